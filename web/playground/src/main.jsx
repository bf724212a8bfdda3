// The playground: GraphiQL, complete in this bundle, talking only to the server that served it.

import 'graphiql/setup-workers/vite';
import './style.js';
import { GraphiQL } from 'graphiql';
import { createRoot } from 'react-dom/client';
import { examples } from './examples.js';
import { createFetcher } from './fetcher.js';
import { SharedHeaders } from './headers.jsx';
import { createMemoryStorage } from './memory.js';

const root = document.getElementById('root');

createRoot(root).render(
  <GraphiQL
    fetcher={createFetcher(new URL(root.dataset.endpoint, document.baseURI))}
    storage={createMemoryStorage()}
    shouldPersistHeaders={false}
    defaultTabs={examples}
    defaultEditorToolsVisibility="headers"
    inputValueDeprecation
    schemaDescription
  >
    <GraphiQL.Logo>Bonfire</GraphiQL.Logo>
    <SharedHeaders />
  </GraphiQL>,
);
