// What leaves the box, as the page shows it: recordings to be heard, webhooks to be tried again, the link to the cloud.

/** The recording of the call that was: drawn, and played. */
export async function seeRecording(page, camera, demand) {
  await page.click('nav a:has-text("Recordings")')
  await page.click('[data-test=recordings] button:has-text("Play")')
  await page.waitForSelector('[data-test=waveform] path.played', { state: 'attached' })
  const waves = await page.$$eval('[data-test=waveform] path:not(.played)', (paths) =>
    // A line of the path goes from above the middle to as far below it.
    paths.map((path) => Math.max(...[...path.getAttribute('d').matchAll(/M\S+ (\S+?)V([\d.]+)/g)].map((line) => line[2] - line[1]))),
  )
  demand(waves.length === 2 && waves.every((height) => height > 2), `the voices of both are drawn ${waves} high`)
  await page.waitForFunction(() => document.querySelector('audio').duration > 0.5)
  const field = await page.locator('[data-test=waveform]').boundingBox()
  await page.evaluate(() => document.querySelector('audio').pause())
  await page.mouse.click(field.x + field.width / 2, field.y + field.height / 2)
  const [at, length] = await page.$eval('audio', (audio) => [audio.currentTime, audio.duration])
  demand(Math.abs(at / length - 0.5) < 0.1, `a click in the middle leads to ${at} s of ${length} s`)
  await camera.take('recording')
  return { waves, length }
}

/** The event log: what was, what happens now, and all of an event. */
export async function seeEvents(page, camera, demand, happen) {
  await page.waitForSelector('[data-test=events] tr[data-event=call_hungup]:has-text("1001 → 1002")')
  const before = await page.locator('[data-test=events] tr[data-event=tag_created]').count()
  await happen()
  await page.waitForFunction((count) => document.querySelectorAll('[data-test=events] tr[data-event=tag_created]').length > count, before)
  await page.locator('[data-test=events] tr[data-event=tag_created] button').first().click()
  demand((await page.innerText('[data-test=event]')).includes('"while it was looked at"'), 'the event does not say what it is about')
  await page.fill('input[type=search]', 'no such thing')
  await page.waitForSelector('text=None of these')
  await page.fill('input[type=search]', '')
  await camera.take('events')
}

/** An event that a web server took is told once more; the cloud, which takes nothing, has records waiting. */
export async function seeDelivery(page, camera, demand) {
  const row = '[data-test=deliveries] tr[data-event=customer_updated]'
  await page.waitForSelector(`${row} .badge.good`)
  await page.locator(row).first().locator('button:has-text("Retry")').click()
  await page.waitForFunction((row) => document.querySelector(`${row} td:nth-child(5)`)?.innerText === '2', row)
  await page.locator(row).first().locator('button[title=Tries]').click()
  const tries = await page.locator('[data-test=tries] li').allInnerTexts()
  demand(tries.length === 2 && tries.every((once) => /answers 200/.test(once)), `the tries are ${tries}`)
  await page.waitForSelector('[data-test=cloud-status]:has-text("Waits")')
  const waiting = Number(await page.innerText('[data-test=cloud-waiting]'))
  demand(waiting > 5, `${waiting} records wait for the cloud`)
  await camera.take('delivery')
  return { tries, waiting }
}
