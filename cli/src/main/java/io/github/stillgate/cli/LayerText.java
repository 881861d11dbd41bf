package io.github.stillgate.cli;

import io.github.stillgate.core.model.Activation;
import io.github.stillgate.core.model.Along;
import io.github.stillgate.core.model.AtPositions;
import io.github.stillgate.core.model.Backward;
import io.github.stillgate.core.model.Bidirectional;
import io.github.stillgate.core.model.Combine;
import io.github.stillgate.core.model.ConditionalDense;
import io.github.stillgate.core.model.ConditionalGru;
import io.github.stillgate.core.model.Constant;
import io.github.stillgate.core.model.Dense;
import io.github.stillgate.core.model.Elementwise;
import io.github.stillgate.core.model.Embedding;
import io.github.stillgate.core.model.Gating;
import io.github.stillgate.core.model.Gru;
import io.github.stillgate.core.model.IndexMap;
import io.github.stillgate.core.model.Layer;
import io.github.stillgate.core.model.Lstm;
import io.github.stillgate.core.model.MatrixProduct;
import io.github.stillgate.core.model.Normalise;
import io.github.stillgate.core.model.PerPosition;
import io.github.stillgate.core.model.Positions;
import io.github.stillgate.core.model.Reduction;
import io.github.stillgate.core.model.Reset;
import io.github.stillgate.core.model.SimpleRnn;
import io.github.stillgate.core.model.Softmax;
import io.github.stillgate.core.model.Sru;
import io.github.stillgate.core.model.WeightedSum;
import java.util.Locale;
import java.util.stream.Collectors;

/** Layers in words. */
final class LayerText {
  private LayerText() {}

  /** The kind of a layer with what tells it from others of the kind. */
  static String of(Layer layer) {
    boolean isSaid = layer instanceof Backward || layer instanceof AtPositions;
    return cell(layer)
        + (isSaid || layer.initialState().isZero() ? "" : ", begins in a state of its own");
  }

  /** The states that a layer keeps from step to step, in words; empty if it keeps none. */
  static String keeps(Layer layer) {
    return switch (layer) {
      case Lstm lstm -> "h %d, c %d".formatted(lstm.outputs(), lstm.cells());
      case Sru sru -> "c " + sru.outputs();
      case Gru _, ConditionalGru _, SimpleRnn _ -> "h " + layer.outputs();
      case PerPosition at -> "%d x (%s)".formatted(at.positions(), keeps(at.layer()));
      default -> "";
    };
  }

  private static String cell(Layer layer) {
    return switch (layer) {
      case ConditionalGru gru ->
          switch (gru.gating()) {
            case Gating.Full _ -> "conditional GRU, full gating";
            case Gating.Unit unit -> "conditional GRU, unit gating of rank " + unit.rank();
            case Gating.Block block -> "conditional GRU, block gating, " + blocks(block);
            case Gating.Hybrid hybrid ->
                "conditional GRU, hybrid gating, " + blocks(hybrid.block());
          };
      case Gru gru ->
          switch (gru.reset()) {
            case Reset.AfterMatrix after ->
                "GRU, reset after the matrix"
                    + (after.bh().isPresent() ? " and a bias" : "")
                    + gru.estimate().map(e -> ", gates estimated at rank " + e.rank()).orElse("");
            case Reset.BeforeMatrix _ -> "GRU, reset before the matrix";
          };
      case Lstm lstm ->
          "LSTM"
              + (lstm.f().isEmpty() ? ", coupled gates" : "")
              + (lstm.peepholes().isPresent() ? ", peepholes" : "")
              + lstm.projection()
                  .map(wp -> ", %s cells projected".formatted(lstm.cells()))
                  .orElse("");
      case Sru sru ->
          "SRU"
              + switch (sru.highway()) {
                case Sru.Highway.FromInput(Sru.Gate _, float scale) ->
                    ", highway from the input" + (scale == 1 ? "" : " times " + scale);
                case Sru.Highway.FromMatrix _ -> ", highway from a matrix";
                case Sru.Highway.GateOnly _ -> ", no highway";
                case Sru.Highway.None _ -> ", no highway, no reset gate";
              }
              + (sru.isRecurrent() ? "" : ", gates do not see the cells")
              + end(sru.activation());
      case SimpleRnn _ -> "recurrent, no gates";
      case Embedding _ -> "embedding";
      case Dense dense -> "dense" + end(dense.activation());
      case ConditionalDense dense ->
          "dense, relu, units estimated at rank " + dense.estimate().rank();
      case Backward backward -> of(backward.layer()) + ", from the end";
      case Bidirectional pair -> "both directions: " + of(pair.forward());
      case Along along -> "%s, over %s positions".formatted(of(along.layer()), along.positions());
      case PerPosition positions ->
          "%s, at %s positions".formatted(of(positions.layer()), positions.positions());
      case IndexMap _ -> "moves values";
      case Elementwise function -> "each value" + end(function.function());
      case Combine combine -> combine.kind().name().toLowerCase(Locale.ROOT);
      case Constant _ -> "constant";
      case Positions positions ->
          "dense at %s positions%s%s"
              .formatted(
                  positions.positions(),
                  positions.groups() == 1 ? "" : " in %s groups".formatted(positions.groups()),
                  end(positions.activation()));
      case WeightedSum sum -> "weighted sum of " + sum.terms() + end(sum.activation());
      case Reduction reduction ->
          "%s of rows of %s"
              .formatted(reduction.kind().name().toLowerCase(Locale.ROOT), reduction.columns());
      case Softmax softmax -> "softmax of rows of " + softmax.columns();
      case Normalise normalise -> "rows of %s normalised".formatted(normalise.columns());
      case MatrixProduct product ->
          "matrix product, %s x %s by %s x %s"
              .formatted(product.rows(), product.inner(), product.inner(), product.columns());
    };
  }

  private static String end(Activation activation) {
    return switch (activation) {
      case Activation.Softmax _ -> ", softmax";
      case Activation.Elementwise f ->
          f.steps().stream().map(step -> ", " + word(step)).collect(Collectors.joining());
    };
  }

  /** A threshold of 0 is what everybody calls relu: both give 0 below it. */
  private static String word(Activation.Step step) {
    return step.function() == Activation.Function.THRESHOLD && step.a() == 0
        ? "relu"
        : step.function().name().toLowerCase(Locale.ROOT);
  }

  private static String blocks(Gating.Block block) {
    return "%s blocks of %s".formatted(block.blocks(), block.blockUnits());
  }
}
