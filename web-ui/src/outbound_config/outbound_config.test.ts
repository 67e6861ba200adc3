import { expect, test } from 'vitest'
import { NIL } from '../number/number'
import { bodyOf, draftOf, wrongIn } from './outbound_config'

test('countries are written with anything between them', () => {
  const body = bodyOf({ countries: ' +49, +33;\n110 ', codecs: '', number_id: '' })
  expect(body).toEqual({ destination_whitelist: ['+49', '+33', '110'], codecs: '', default_outgoing_source_number_id: NIL })
  expect(draftOf(body)).toEqual({ countries: '+49 +33 110', codecs: '', number_id: '' })
})

test('what is no beginning of a number is named', () => {
  expect(wrongIn('+49 Germany +33')).toBe('Germany')
  expect(wrongIn('+49 all')).toBe('all')
  expect(wrongIn('')).toBeUndefined()
})
