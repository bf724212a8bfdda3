import { SignInError } from '../api/failure.js'
import { Login } from './login.js'
import { server } from './settings.js'

/** Signs in as a principal of the demo clinic. Servers answer it with `--dev` and to this machine only. */
export async function signInForDevelopment(name: string): Promise<Login> {
  const again = async () => {
    const headers = { 'Content-Type': 'application/json' }
    const answer = await fetch(new URL('dev/token', server), { method: 'POST', headers, body: JSON.stringify({ name }), cache: 'no-store' })
    if (!answer.ok) throw new SignInError(answer.status === 404 ? 'demo principals sign in on the machine of the server only' : await answer.text())
    return ((await answer.json()) as { token: string }).token
  }
  return new Login(await again(), { renew: again, again })
}
