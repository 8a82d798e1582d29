/** What the package gives to handlers: types alone, so that `import type` of it erases. */
export type {
  Handler,
  HandlerCall,
  HandlerContext,
  HandlerStep,
} from './routing/handlers/types.ts';
