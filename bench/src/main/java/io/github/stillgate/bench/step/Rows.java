package io.github.stillgate.bench.step;

import io.github.stillgate.bench.Networks;
import io.github.stillgate.bench.layer.LayerKind;
import io.github.stillgate.bench.strategy.BlasLibraries;
import io.github.stillgate.core.model.Layer;
import io.github.stillgate.core.model.Model;
import io.github.stillgate.core.plan.PlanOptions;
import io.github.stillgate.core.plan.Skipping;
import io.github.stillgate.core.plan.WeightFormat;
import io.github.stillgate.kernel.ffm.Blas;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The rows of one cell and width, in the order of the table.
 *
 * @param cell kind of network
 * @param units its width
 * @param moved shares of the values that move from step to step, for int8 rows of their own
 * @param live live fractions of conditional networks
 */
record Rows(Cell cell, int units, List<Double> moved, List<Double> live) {
  /** Ours that are timed: the reference is there to be read. */
  static final List<String> BACKENDS = List.of("native", "vector");

  /** What the reference runs on; its bits are those of all. */
  private static final String REFERENCE = "vector";

  private static final double FLOAT32 = 1e-4;

  /**
   * A bf16 weight is off by up to 2^-9 of itself, so sums of 2n products of weights below 1.5 /
   * sqrt(n) and values below 1 are off by 1e-3 on the average, and the state carries some of it on.
   * The most seen is 0.0104, in the second of two layers of 1024.
   */
  private static final double BF16 = 0.02;

  /** Of int8 the same with 1/254 of the largest weight of a row, and of the largest operand. */
  private static final double INT8 = 0.1;

  /** Checks the width. */
  Rows {
    if (units < 1) {
      throw new IllegalArgumentException(
          "a width of %d; expected a positive number".formatted(units));
    }
  }

  /** All rows, here or not. */
  List<Row> all() {
    return cell == Cell.CONDITIONAL ? conditional() : layers();
  }

  /** The row called so. */
  Row named(String id) {
    return all().stream()
        .filter(row -> row.id().equals(id))
        .findFirst()
        .orElseThrow(() ->
            new IllegalArgumentException(
                "no row is called %s (known: %s)"
                    .formatted(id, String.join(", ", all().stream().map(Row::id).toList()))));
  }

  /** Values that come out of the network. */
  int outputs(Row row) {
    return cell == Cell.CONDITIONAL && !row.id().endsWith("full-gru") ? Networks.TOKENS : units;
  }

  private List<Row> layers() {
    Supplier<Layer> layer = once(() -> LayerKind.of(cell.word()).make(units));
    Supplier<Model> model = () -> new Model(List.of(layer.get()));
    Supplier<Model> driven = once(() -> new Model(List.of(DrivenLayer.of(cell, units))));
    Supplier<Feed> random = () -> Feed.random(units);
    Supplier<Contender> reference = own(model, REFERENCE, WeightFormat.F32, Skipping.NOTHING);
    List<Row> rows = new ArrayList<>();
    for (String backend : BACKENDS) {
      for (WeightFormat format : WeightFormat.values()) {
        rows.add(
            new Row(
                id(backend, format),
                tolerance(format),
                own(model, backend, format, Skipping.NOTHING),
                reference,
                random));
      }
      moved.forEach(share -> rows.add(moved(driven, backend, share)));
    }
    rows.add(
        new Row("onnxruntime/f32", FLOAT32, () -> Peer.fastest(layer.get()), reference, random));
    rows.add(
        new Row(
            "onnxruntime/f32/usual", FLOAT32, () -> Peer.usual(layer.get()), reference, random));
    rows.add(new Row("onnxruntime/i8", INT8, () -> Peer.int8(layer.get()), reference, random));
    rows.add(
        new Row("pytorch/f32", FLOAT32, () -> new TorchContender(layer.get()), reference, random));
    for (String library : List.of("openblas", "mkl")) {
      rows.add(
          new Row(
              library + "/f32",
              FLOAT32,
              () -> new BlasContender(layer.get(), blas(library)),
              reference,
              random));
    }
    return rows;
  }

  private Row moved(Supplier<Model> model, String backend, double share) {
    return new Row(
        id(backend, WeightFormat.I8) + "/moved-" + number(share),
        INT8,
        () -> LayerRows.moved(model.get(), backend),
        own(model, REFERENCE, WeightFormat.F32, Skipping.NOTHING),
        () -> Feed.moving(units, share));
  }

  private List<Row> conditional() {
    List<Row> rows = new ArrayList<>();
    Supplier<Feed> tokens = () -> Feed.tokens(Networks.TOKENS);
    for (double fraction : live) {
      Supplier<Model> model = once(() -> Networks.conditional(units, fraction));
      Supplier<Contender> reference = own(model, REFERENCE, WeightFormat.F32, Skipping.NOTHING);
      for (String backend : BACKENDS) {
        for (WeightFormat format : WeightFormat.values()) {
          String id = id(backend, format) + "/live-" + number(fraction);
          rows.add(
              new Row(
                  id,
                  tolerance(format),
                  () ->
                      new OwnContender(
                              model.get(),
                              PlanOptions.defaults().withBackend(backend).withWeights(format))
                          .warmedUp(),
                  reference,
                  tokens));
        }
        rows.add(
            new Row(
                id(backend, WeightFormat.F32) + "/every-unit-" + number(fraction),
                FLOAT32,
                own(model, backend, WeightFormat.F32, Skipping.NOTHING),
                reference,
                tokens));
      }
    }
    Supplier<Model> full = once(() -> Networks.gru(Networks.TOKENS, units));
    Supplier<Contender> reference = own(full, REFERENCE, WeightFormat.F32, Skipping.NOTHING);
    for (String backend : BACKENDS) {
      for (WeightFormat format : WeightFormat.values()) {
        rows.add(
            new Row(
                id(backend, format) + "/full-gru",
                tolerance(format),
                own(full, backend, format, Skipping.NOTHING),
                reference,
                tokens));
      }
    }
    rows.add(
        new Row(
            "onnxruntime/f32/full-gru",
            FLOAT32,
            () -> Peer.fastest(full.get().layers()),
            reference,
            tokens));
    return rows;
  }

  private static Supplier<Contender> own(
      Supplier<Model> model, String backend, WeightFormat format, Skipping skipping) {
    return () ->
        new OwnContender(
            model.get(),
            PlanOptions.defaults().withBackend(backend).withWeights(format).withSkipping(skipping));
  }

  /** Makes it when it is first asked for: listing rows makes no network. */
  private static <T> Supplier<T> once(Supplier<T> made) {
    return new Supplier<>() {
      private @Nullable T value;

      @Override
      public T get() {
        T here = value;
        if (here == null) {
          here = made.get();
          value = here;
        }
        return here;
      }
    };
  }

  private static Blas blas(String library) {
    if (!BlasLibraries.names().contains(library)) {
      throw new AbsentException(
          "no BLAS of this name is here (found: %s)"
              .formatted(String.join(", ", BlasLibraries.names())));
    }
    return BlasLibraries.open(library);
  }

  private static double tolerance(WeightFormat format) {
    return switch (format) {
      case F32 -> FLOAT32;
      case BF16 -> BF16;
      case I8 -> INT8;
    };
  }

  private static String id(String runtime, WeightFormat format) {
    return runtime + "/" + format.name().toLowerCase(Locale.ROOT);
  }

  /** Without a zero behind the point. */
  private static String number(double value) {
    return value == Math.rint(value) ? Long.toString((long) value) : Double.toString(value);
  }
}
