/**
 * The suites every backend must pass; packaged as core's test jar and subclassed beside each
 * backend.
 */
package io.github.stillgate.contract;
