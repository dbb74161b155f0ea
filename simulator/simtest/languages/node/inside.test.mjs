// A program that knows nothing of all this, inside the world: its resolv.conf is a client's, port 53 is port 53.
//
//     faultzone exec ../broken.toml --as db-01 -- node --test inside.test.mjs
import assert from 'node:assert/strict'
import dns from 'node:dns/promises'
import http from 'node:http'
import { test } from 'node:test'

import { lookup } from './lookup.mjs'

const api = 'api.solvethenetwork.com'

test('lookup goes on to the second server', async () => {
  assert.deepEqual(await dns.lookup(api, { family: 4 }), { address: '10.0.2.50', family: 4 })
})

test('the search list', async () => {
  assert.equal((await dns.lookup('api', { family: 4 })).address, '10.0.2.50')
})

test('no such name', async () => {
  await assert.rejects(dns.lookup('nowhere.solvethenetwork.com'), { code: 'ENOTFOUND' })
})

test('HTTP by name', async () => {
  const body = await new Promise((resolve, reject) => {
    http.get(`http://${api}/healthz`, { agent: false, timeout: 10000 }, reply => {
      let text = ''
      reply.setEncoding('utf8').on('data', part => { text += part }).on('end', () => resolve(text))
    }).on('error', reject)
  })
  assert.equal(body, 'ok\n')
})

test('the first server fails', async () => {
  await assert.rejects(lookup(api, ['10.0.1.10'], 5000), { reasons: ['ESERVFAIL'] })
})
