package io.github.stillgate.core.model.format;

import io.github.stillgate.core.model.Along;
import io.github.stillgate.core.model.Layer;
import io.github.stillgate.core.model.PerPosition;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Collectors;

/** All kinds of layers that files can hold. */
final class LayerFormats {
  private static final List<LayerFormat<?>> ALL =
      List.of(
          new ConditionalGruFormat(),
          new GruFormat(),
          new LstmFormat(),
          new SruFormat(),
          new SimpleRnnFormat(),
          new EmbeddingFormat(),
          new DenseFormat(),
          new ConditionalDenseFormat(),
          new BidirectionalFormat(),
          new BackwardFormat(),
          new AtPositionsFormat<>(Along.class, "along", Along::new),
          new AtPositionsFormat<>(PerPosition.class, "per_position", PerPosition::new),
          new IndexMapFormat(),
          new ElementwiseFormat(),
          new CombineFormat(),
          new ConstantFormat(),
          new WeightedSumFormat(),
          new PositionsFormat(),
          new ReductionFormat(),
          new SoftmaxFormat(),
          new NormaliseFormat(),
          new MatrixProductFormat());

  private static final Map<String, LayerFormat<?>> BY_TYPE =
      ALL.stream().collect(Collectors.toUnmodifiableMap(LayerFormat::type, Function.identity()));

  private static final Map<Class<?>, LayerFormat<?>> BY_KIND =
      ALL.stream().collect(Collectors.toUnmodifiableMap(LayerFormat::kind, Function.identity()));

  private LayerFormats() {}

  static List<LayerFormat<?>> all() {
    return ALL;
  }

  /**
   * The format of a type's word.
   *
   * @throws IllegalArgumentException if no layer has it
   */
  static LayerFormat<?> ofType(String type) {
    LayerFormat<?> format = BY_TYPE.get(type);
    if (format == null) {
      throw new IllegalArgumentException(
          "layer type \"%s\" is not known (known: %s)"
              .formatted(
                  type, ALL.stream().map(LayerFormat::type).collect(Collectors.joining(", "))));
    }
    return format;
  }

  /**
   * The format of a layer.
   *
   * @throws IllegalStateException if its kind has none
   */
  static LayerFormat<?> of(Layer layer) {
    LayerFormat<?> format = BY_KIND.get(layer.getClass());
    if (format == null) {
      throw new IllegalStateException(layer.getClass() + " has no entry in LayerFormats");
    }
    return format;
  }
}
