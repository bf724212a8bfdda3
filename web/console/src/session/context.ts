import type { ApolloClient } from '@apollo/client'
import { createClinical, type Clinical, type PurposeOfUse } from '@bonfiredb/client'
import { createContext, useContext } from 'react'
import { connect } from '../api/apollo.js'
import { Viewer, type ViewerQuery } from '../generated/operations.js'
import type { Login } from './login.js'
import { server } from './settings.js'

/** One person at work: who they are, and what speaks to the server for them. */
export interface Session {
  viewer: ViewerQuery['viewer']
  apollo: ApolloClient
  clinical: Clinical
  login: Login
  /** Asks for everything on the screen anew, as after a change that the SDK has made. */
  refresh(): Promise<unknown>
  /** From now on for another purpose; undefined is the role's usual one. */
  changePurpose(purpose: PurposeOfUse | undefined): Promise<unknown>
  end(): void
}

export async function begin(login: Login): Promise<Session> {
  const { apollo, reconnect, close } = connect(server, login)
  try {
    const { data } = await apollo.query({ query: Viewer })
    const refresh = () => apollo.refetchQueries({ include: 'active' })
    return {
      viewer: data!.viewer,
      apollo,
      clinical: createClinical({ url: server, token: (ask) => login.token(ask), fetch: login.fetchForPurpose }),
      login,
      refresh,
      changePurpose(purpose) {
        login.purpose = purpose
        reconnect()
        return refresh()
      },
      end: close,
    }
  } catch (error) {
    close()
    throw error
  }
}

export const SessionContext = createContext<Session | null>(null)

export function useSession(): Session {
  const session = useContext(SessionContext)
  if (!session) throw new Error('nobody is signed in')
  return session
}
