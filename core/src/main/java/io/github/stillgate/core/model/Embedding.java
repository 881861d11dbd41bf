package io.github.stillgate.core.model;

import java.util.LinkedHashMap;
import java.util.SequencedMap;

/**
 * A row of values for each token, {@code y = E[t]}; for a vector x of weights over the tokens,
 * {@code y = transpose(E) x}. The first layer of a network that reads tokens.
 *
 * @param name prefix of its tensor
 * @param table E, tokens x width
 */
public record Embedding(String name, Matrix table) implements Layer {
  @Override
  public int inputs() {
    return table.rows();
  }

  @Override
  public int outputs() {
    return table.columns();
  }

  @Override
  public SequencedMap<String, Matrix> tensors() {
    SequencedMap<String, Matrix> tensors = new LinkedHashMap<>();
    tensors.put("E", table);
    return tensors;
  }

  /** The same function as a layer {@code W x} with the table's rows as columns. */
  public Dense asDense() {
    float[] w = new float[table.rows() * table.columns()];
    for (int token = 0; token < table.rows(); token++) {
      for (int i = 0; i < table.columns(); i++) {
        w[i * table.rows() + token] = table.at(token, i);
      }
    }
    return new Dense(
        name,
        Matrix.of(table.name(), table.columns(), table.rows(), w),
        Matrix.vector(table.name(), new float[table.columns()]),
        Activation.LINEAR);
  }
}
