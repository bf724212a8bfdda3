// GraphiQL's own style sheets one by one: its combined sheet repeats Monaco's, which Monaco's
// modules bring along, and embeds 270 kB of fonts.

import '@graphiql/react/style.css';
import '@graphiql/plugin-doc-explorer/style.css';
import '@graphiql/plugin-history/style.css';
import 'graphiql/graphiql.css';
import './style.css';
