/**
 * Preloaded into a process that is measured (`--require`): each of its threads that runs JavaScript, but the main one,
 * writes its id below THREADS_FOLDER. Only from within can a thread be told from its siblings.
 */
const { readlinkSync, writeFileSync } = require('node:fs');
const path = require('node:path');
const { isMainThread, threadId } = require('node:worker_threads');

const folder = process.env.THREADS_FOLDER;
if (folder && !isMainThread && process.platform === 'linux')
  writeFileSync(path.join(folder, String(threadId)), path.basename(readlinkSync('/proc/thread-self')));
