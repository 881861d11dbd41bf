package io.github.stillgate.tuning;

import io.github.stillgate.core.model.AtPositions;
import io.github.stillgate.core.model.Backward;
import io.github.stillgate.core.model.Bidirectional;
import io.github.stillgate.core.model.ConditionalDense;
import io.github.stillgate.core.model.ConditionalGru;
import io.github.stillgate.core.model.Dense;
import io.github.stillgate.core.model.Embedding;
import io.github.stillgate.core.model.Gating;
import io.github.stillgate.core.model.Gru;
import io.github.stillgate.core.model.InitialState;
import io.github.stillgate.core.model.Layer;
import io.github.stillgate.core.model.Lstm;
import io.github.stillgate.core.model.Matrix;
import io.github.stillgate.core.model.Operation;
import io.github.stillgate.core.model.Positions;
import io.github.stillgate.core.model.Reset;
import io.github.stillgate.core.model.SimpleRnn;
import io.github.stillgate.core.model.Sru;
import io.github.stillgate.core.model.Sums;
import java.util.Optional;
import java.util.function.UnaryOperator;

/**
 * Goes through the tensors of a layer, tells of each what its rows and columns run over, and makes
 * the layer that what comes back belongs to. Who only looks returns what was given. The estimate of
 * a GRU's gates is no part of the network and stays as it is.
 */
interface TensorChange {
  /** A matrix; each of its rows reads the columns in which it is not 0. */
  Matrix matrix(Matrix m, Axis rows, Axis columns);

  /** A weight for each row, by which it reads its own state: peepholes, v of an SRU. */
  Matrix own(Matrix v, Axis rows);

  /** A bias for each row, or the value that a row's state begins with. */
  Matrix bias(Matrix b, Axis rows);

  /** The table of an embedding, whose columns are the {@link Axis#OUTPUT}. */
  Matrix table(Matrix e);

  /**
   * {@code layer} of changed tensors.
   *
   * @throws IllegalArgumentException if it has directions, whose tensors are those of its parts
   */
  default Layer of(Layer layer) {
    return switch (layer) {
      case ConditionalGru gru ->
          ConditionalGru.named(gru.name())
              .gating(of(gru.gating()))
              .reset(sums(gru.r(), Axis.OUTPUT, Axis.OUTPUT))
              .candidate(sums(gru.c(), Axis.OUTPUT, Axis.OUTPUT))
              .activations(gru.activations())
              .initialState(of(gru.initialState(), Axis.OUTPUT))
              .build();
      case Gru gru ->
          gru.toBuilder()
              .update(sums(gru.z(), Axis.OUTPUT, Axis.OUTPUT))
              .reset(sums(gru.r(), Axis.OUTPUT, Axis.OUTPUT))
              .candidate(sums(gru.c(), Axis.OUTPUT, Axis.OUTPUT))
              .resetPosition(of(gru.reset()))
              .initialState(of(gru.initialState(), Axis.OUTPUT))
              .build();
      case Lstm lstm -> of(lstm);
      case Sru sru ->
          new Sru(
              sru.name(),
              matrix(sru.candidate(), Axis.OUTPUT, Axis.INPUT),
              of(sru.forget()),
              of(sru.highway()),
              sru.activation(),
              of(sru.initialState(), Axis.OUTPUT));
      case SimpleRnn rnn ->
          new SimpleRnn(
              rnn.name(),
              matrix(rnn.w(), Axis.OUTPUT, Axis.INPUT),
              matrix(rnn.u(), Axis.OUTPUT, Axis.OUTPUT),
              bias(rnn.b(), Axis.OUTPUT),
              rnn.activation(),
              of(rnn.initialState(), Axis.OUTPUT));
      case Embedding embedding -> new Embedding(embedding.name(), table(embedding.table()));
      case Dense dense ->
          new Dense(
              dense.name(),
              matrix(dense.w(), Axis.OUTPUT, Axis.INPUT),
              bias(dense.b(), Axis.OUTPUT),
              dense.activation());
      case ConditionalDense dense ->
          new ConditionalDense(
              dense.name(),
              new ConditionalDense.Estimate(
                  matrix(dense.estimate().v(), Axis.BOTTLENECK, Axis.INPUT),
                  matrix(dense.estimate().u(), Axis.OUTPUT, Axis.BOTTLENECK),
                  bias(dense.estimate().e(), Axis.OUTPUT)),
              matrix(dense.w(), Axis.OUTPUT, Axis.INPUT),
              bias(dense.b(), Axis.OUTPUT));
      case AtPositions _, Positions _, Operation _ -> layer;
      case Bidirectional _, Backward _ ->
          throw new IllegalArgumentException(
              "layer %s has directions; change its parts".formatted(layer.name()));
    };
  }

  private Gating of(Gating gating) {
    return switch (gating) {
      case Gating.Full full -> new Gating.Full(sums(full.z(), Axis.OUTPUT, Axis.OUTPUT));
      case Gating.Unit unit ->
          new Gating.Unit(
              sums(unit.u(), Axis.BOTTLENECK, Axis.OUTPUT),
              matrix(unit.wz(), Axis.OUTPUT, Axis.BOTTLENECK),
              bias(unit.bz(), Axis.OUTPUT),
              unit.f());
      case Gating.Block block -> of(block);
      case Gating.Hybrid hybrid ->
          new Gating.Hybrid(
              of(hybrid.block()),
              matrix(hybrid.v(), Axis.OUTPUT, Axis.BOTTLENECK),
              bias(hybrid.e(), Axis.OUTPUT));
    };
  }

  private Gating.Block of(Gating.Block block) {
    return new Gating.Block(
        sums(block.u(), Axis.BOTTLENECK, Axis.OUTPUT),
        bias(block.bz(), Axis.BOTTLENECK),
        block.f());
  }

  private Reset of(Reset reset) {
    return switch (reset) {
      case Reset.AfterMatrix(Optional<Matrix> bh) when bh.isPresent() ->
          new Reset.AfterMatrix(Optional.of(bias(bh.get(), Axis.OUTPUT)));
      case Reset.AfterMatrix _, Reset.BeforeMatrix _ -> reset;
    };
  }

  private InitialState of(InitialState state, Axis cells) {
    return new InitialState(
        state.h().map(h -> bias(h, Axis.OUTPUT)), state.c().map(c -> bias(c, cells)));
  }

  private Lstm of(Lstm lstm) {
    Axis cells = lstm.projection().isPresent() ? Axis.CELL : Axis.OUTPUT;
    Lstm.Builder changed =
        Lstm.named(lstm.name())
            .input(sums(lstm.i(), cells, Axis.OUTPUT))
            .output(sums(lstm.o(), cells, Axis.OUTPUT))
            .cell(sums(lstm.g(), cells, Axis.OUTPUT))
            .activations(lstm.activations())
            .initialState(of(lstm.initialState(), cells));
    lstm.f()
        .ifPresentOrElse(f -> changed.forget(sums(f, cells, Axis.OUTPUT)), changed::coupledGates);
    lstm.peepholes()
        .ifPresent(p ->
            changed.peepholes(
                Lstm.Peepholes.toInput(own(p.input(), cells))
                    .toForget(own(p.forget(), cells))
                    .toOutput(own(p.output(), cells))));
    lstm.projection().ifPresent(wp -> changed.projection(matrix(wp, Axis.OUTPUT, cells)));
    return changed.build();
  }

  private Sru.Gate of(Sru.Gate gate) {
    return new Sru.Gate(
        matrix(gate.w(), Axis.OUTPUT, Axis.INPUT),
        gate.v().map(v -> own(v, Axis.OUTPUT)),
        bias(gate.b(), Axis.OUTPUT));
  }

  private Sru.Highway of(Sru.Highway highway) {
    return switch (highway) {
      case Sru.Highway.FromInput(Sru.Gate gate, float scale) ->
          new Sru.Highway.FromInput(of(gate), scale);
      case Sru.Highway.FromMatrix(Sru.Gate gate, Matrix wh) ->
          new Sru.Highway.FromMatrix(of(gate), matrix(wh, Axis.OUTPUT, Axis.INPUT));
      case Sru.Highway.GateOnly(Sru.Gate gate) -> new Sru.Highway.GateOnly(of(gate));
      case Sru.Highway.None none -> none;
    };
  }

  private Sums sums(Sums sums, Axis rows, Axis state) {
    return new Sums(
        matrix(sums.w(), rows, Axis.INPUT), matrix(sums.u(), rows, state), bias(sums.b(), rows));
  }

  /** {@code layer} with each part that has no directions, often itself, changed. */
  static Layer eachPart(Layer layer, UnaryOperator<Layer> change) {
    return switch (layer) {
      case Backward backward -> new Backward(change.apply(backward.layer()));
      case Bidirectional pair ->
          new Bidirectional(
              pair.name(), change.apply(pair.forward()), change.apply(pair.backward()));
      default -> change.apply(layer);
    };
  }
}
