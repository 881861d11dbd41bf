package io.github.stillgate.core.model.format;

import io.github.stillgate.core.json.ObjectNode;
import io.github.stillgate.core.model.MatrixProduct;

/** {@code matrix_product}. */
final class MatrixProductFormat extends LayerFormat<MatrixProduct> {
  MatrixProductFormat() {
    super(MatrixProduct.class, "matrix_product");
  }

  @Override
  MatrixProduct read(LayerReader reader) {
    reader.requireTypeAnd("name", "rows", "inner", "columns");
    return new MatrixProduct(
        reader.name(), reader.count("rows"), reader.count("inner"), reader.count("columns"));
  }

  @Override
  void describeFields(MatrixProduct layer, ObjectNode node) {
    node.put("name", layer.name())
        .put("rows", layer.rows())
        .put("inner", layer.inner())
        .put("columns", layer.columns());
  }

  @Override
  void identifyParts(MatrixProduct layer, Fingerprint fingerprint) {
    fingerprint.count(layer.rows());
    fingerprint.count(layer.inner());
    fingerprint.count(layer.columns());
  }
}
