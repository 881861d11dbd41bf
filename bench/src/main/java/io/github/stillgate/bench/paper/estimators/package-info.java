/**
 * Low-rank estimates of which ReLU units to compute (Davis, dissertation, chapter 3): what was
 * trained with PyTorch, run and timed by the library.
 */
@NullMarked
package io.github.stillgate.bench.paper.estimators;

import org.jspecify.annotations.NullMarked;
