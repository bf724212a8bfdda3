/**
 * Storage that ends with the page. GraphiQL keeps tabs, queries, variables and history in
 * localStorage unless given another place, and all of these can hold patient data.
 */
export function createMemoryStorage() {
  const items = new Map();
  return {
    getItem: (key) => items.get(key) ?? null,
    setItem: (key, value) => void items.set(key, value),
    removeItem: (key) => void items.delete(key),
    clear: () => items.clear(),
    get length() {
      return items.size;
    },
  };
}
