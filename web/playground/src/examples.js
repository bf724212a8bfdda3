// The tabs the playground opens with: examples/NAME.graphql with the variables of
// examples/NAME.json where there are any, in the order of their names.

const operations = import.meta.glob('./examples/*.graphql', {
  eager: true,
  query: '?raw',
  import: 'default',
});
const variables = import.meta.glob('./examples/*.json', {
  eager: true,
  query: '?raw',
  import: 'default',
});

export const examples = Object.keys(operations)
  .sort()
  .map((path) => ({
    query: operations[path],
    variables: variables[path.replace(/\.graphql$/, '.json')],
  }));
