// The client against a world on ports of this machine: faultzone run --addr-file.
//
//     FAULTZONE=./faultzone node --test lookup.test.mjs
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

import { lookup } from './lookup.mjs'

const api = 'api.solvethenetwork.com'
const scenario = fileURLToPath(new URL('../broken.toml', import.meta.url))
const dir = mkdtempSync(join(tmpdir(), 'world-'))
const world = {}
let running

before(async () => {
  const file = join(dir, 'addresses')
  running = spawn(process.env.FAULTZONE ?? 'faultzone', ['run', scenario, '--addr-file', file], { stdio: ['ignore', 'ignore', 'inherit'] })
  for (let i = 0; i < 200 && !existsSync(file); i++) { // it is there once every node answers
    assert.equal(running.exitCode, null, 'the world has ended')
    await sleep(50)
  }
  for (const line of readFileSync(file, 'utf8').split('\n')) {
    const [name, at] = line.split('=')
    if (name) world[name.replace('FAULTZONE_', '')] = at
  }
})

after(async () => {
  running.kill('SIGINT')
  await once(running, 'exit')
  rmSync(dir, { recursive: true })
})

test('an answer', async () => {
  assert.deepEqual(await lookup(api, [world.RESOLVER_B]), ['10.0.2.50'])
})

test('no such name', async () => {
  await assert.rejects(lookup('nowhere.solvethenetwork.com', [world.RESOLVER_B]), { code: 'ENOTFOUND' })
})

test('SERVFAIL goes on to the next', async () => {
  assert.deepEqual(await lookup(api, [world.RESOLVER_A, world.RESOLVER_B]), ['10.0.2.50'])
})

test('all fail', async () => {
  await assert.rejects(lookup(api, [world.RESOLVER_A, world.RESOLVER_BRANCH], 500), { reasons: ['ESERVFAIL', 'ETIMEOUT'] })
})
