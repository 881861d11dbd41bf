/**
 * Networks from ONNX files: {@link io.github.stillgate.importers.onnx.OnnxFile} opens one, {@link
 * io.github.stillgate.importers.onnx.OnnxCase} checks stored inputs against stored outputs.
 */
@NullMarked
package io.github.stillgate.importers.onnx;

import org.jspecify.annotations.NullMarked;
