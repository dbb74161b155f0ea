// A client that asks one DNS server after another. A server that says nothing, or fails, sends it on to the next; that
// there is no such name is an answer.
import { Resolver } from 'node:dns/promises'

// lookup gives the IPv4 addresses of a name. servers are "ADDRESS:PORT", asked in order. It rejects with the code
// ENOTFOUND when there is no such name, else with EFAILING and the reasons of all servers.
export async function lookup(name, servers, timeout = 1000) {
  const reasons = []
  for (const server of servers) {
    const resolver = new Resolver({ timeout, tries: 1 })
    resolver.setServers([server])
    try {
      return await resolver.resolve4(name)
    } catch (err) {
      if (err.code === 'ENOTFOUND') throw err
      reasons.push(err.code)
    }
  }
  throw Object.assign(new Error(`${name}: ${reasons.join(', ')}`), { code: 'EFAILING', reasons })
}
