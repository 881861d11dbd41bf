/** Steps of whole networks as people exported them, ours and ONNX Runtime's. */
@NullMarked
package io.github.stillgate.bench.network;

import org.jspecify.annotations.NullMarked;
