import { useGraphiQL } from '@graphiql/react';
import { useEffect, useRef } from 'react';

/**
 * One header editor for all tabs. GraphiQL gives each tab headers of its own, so a token would
 * have to be pasted into every example. Draws nothing; keeps the text in memory.
 */
export function SharedHeaders() {
  const editor = useGraphiQL((state) => state.headerEditor);
  const tab = useGraphiQL((state) => state.tabs[state.activeTabIndex]?.id);
  const typed = useRef('');

  useEffect(() => {
    // A flush is setValue: GraphiQL changing tabs, not a person typing.
    const listener = editor?.onDidChangeModelContent((event) => {
      if (!event.isFlush) typed.current = editor.getValue();
    });
    return () => listener?.dispose();
  }, [editor]);

  useEffect(() => {
    if (editor && editor.getValue() !== typed.current) editor.setValue(typed.current);
  }, [editor, tab]);

  return null;
}
