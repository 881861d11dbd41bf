package io.github.stillgate.importers.onnx;

import java.util.Arrays;
import java.util.List;

/** The recurrent operators and what tells them apart. */
enum RecurrentOperator {
  GRU(3, List.of("Sigmoid", "Tanh"), List.of("linear_before_reset")),
  LSTM(4, List.of("Sigmoid", "Tanh", "Tanh"), List.of("input_forget")),
  RNN(1, List.of("Tanh"), List.of());

  /** Matrices stacked in W and in R. */
  final int gates;

  /** Those of one direction when a node lists none. */
  final List<String> activations;

  /** Attributes that the others do not have. */
  final List<String> ownAttributes;

  RecurrentOperator(int gates, List<String> activations, List<String> ownAttributes) {
    this.gates = gates;
    this.activations = activations;
    this.ownAttributes = ownAttributes;
  }

  /** Whether {@code operator} is one of the three. */
  static boolean isRecurrent(String operator) {
    return operators().contains(operator);
  }

  /** Names of the three operators. */
  static List<String> operators() {
    return Arrays.stream(values()).map(RecurrentOperator::name).toList();
  }

  /** Number of states: h, and c of an LSTM. */
  int states() {
    return this == LSTM ? 2 : 1;
  }
}
