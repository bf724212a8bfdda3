// The page that the identity provider leads back to: it passes the answer on and goes.
import '../style/index.css'
import { channelName } from './channel.js'

new BroadcastChannel(channelName).postMessage(location.search)
history.replaceState(null, '', location.pathname) // the code is used once, and not left in the history
window.close()
