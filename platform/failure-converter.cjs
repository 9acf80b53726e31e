/**
 * How failures are written where payloads are encrypted: their messages and stacks become payloads too. The SDK requires
 * it by its path, in the process and in the bundle of workflows.
 */
const { DefaultFailureConverter } = require('@temporalio/common');

exports.failureConverter = new DefaultFailureConverter({ encodeCommonAttributes: true });
