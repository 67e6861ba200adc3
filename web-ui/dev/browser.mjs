// What browsers have and the oldest Node that we support, 18, has not.
import { webcrypto } from 'node:crypto'

globalThis.crypto ??= webcrypto
