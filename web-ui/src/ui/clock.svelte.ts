// The time of day as the box sees it; durations tick by it even where the box's clock is wrong.

let offset = 0
let current = $state(Date.now())

/** The box's time in milliseconds, new every second. */
export const clock = {
  get now(): number {
    return current
  },
}

/** Takes over the box's clock; an answer's date has a resolution of one second, so small differences do not count. */
export function setBoxTime(box: number): void {
  const measured = box - Date.now()
  if (Math.abs(measured - offset) > 2000) offset = Math.abs(measured) > 2000 ? measured : 0
  current = Date.now() + offset
}

setInterval(() => (current = Date.now() + offset), 1000)
