/**
 * Files of vectors, one row a step, read and written a row at a time: numpy arrays, CSV, WAV and
 * tensors of safetensors files. What is called for each row allocates nothing.
 */
@NullMarked
package io.github.stillgate.cli.rows;

import org.jspecify.annotations.NullMarked;
