/**
 * What a network is: immutable layers with checked widths, read from and written to weights files.
 */
@NullMarked
package io.github.stillgate.core.model;

import org.jspecify.annotations.NullMarked;
