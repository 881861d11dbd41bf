/** ONNX graphs made for tests, with inputs and, apart from the library, expected outputs. */
package io.github.stillgate.importers.onnx.generated;
