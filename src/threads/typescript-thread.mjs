// Begins a thread whose module, the first argument, is TypeScript. JavaScript, because nothing reads TypeScript before it.
import { register } from 'tsx/esm/api';

register();
await import(process.argv[2]);
