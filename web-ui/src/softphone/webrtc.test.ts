import { expect, it } from 'vitest'
import { readWebRtc, socketAddress } from './webrtc'

it('the exchange says which extensions one has, and by which servers one is found', async () => {
  const told = {
    sip_path: '/sip',
    extensions: [
      { extension: '1001', name: 'Workshop' },
      { extension: '1002', name: '' },
    ],
    ice_servers: [{ urls: ['stun:stun.example'] }, { urls: ['turn:turn.example'], username: '9:ada', credential: 'x' }],
  }
  const asked: string[] = []
  const get = async <T>(path: string): Promise<T> => (asked.push(path), told as T)
  const { extensions, domain, path, iceServers } = await readWebRtc({ get }, 'box.lan')
  expect([asked, domain, path]).toEqual([['/v1.0/webrtc'], 'box.lan', '/sip'])
  expect(extensions.map((one) => `${one.extension} ${one.name}`)).toEqual(['1001 Workshop', '1002 1002'])
  expect(iceServers).toEqual(told.ice_servers)
})

it('the socket is encrypted as the page is, and bears the session', () => {
  expect(socketAddress({ protocol: 'https:', host: 'box.lan:8443' }, '/sip', 'a+b')).toBe('wss://box.lan:8443/sip?token=a%2Bb')
  expect(socketAddress({ protocol: 'http:', host: '127.0.0.1:8080' }, '/sip', 't')).toBe('ws://127.0.0.1:8080/sip?token=t')
})
