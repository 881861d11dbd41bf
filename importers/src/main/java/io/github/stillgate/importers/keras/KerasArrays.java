package io.github.stillgate.importers.keras;

import io.jhdf.api.Dataset;
import io.jhdf.api.Group;
import io.jhdf.api.Node;
import java.util.ArrayList;
import java.util.List;

/**
 * The arrays of a model's layers: a group for each layer, whose attribute {@code weight_names} has
 * them in the order in which Keras gives them.
 */
final class KerasArrays {
  private final Hdf5 hdf5;
  private final Group layers;

  KerasArrays(Hdf5 hdf5) {
    this.hdf5 = hdf5;
    Node weights = hdf5.find(hdf5.root(), "model_weights");
    if (!(weights instanceof Group group)) {
      throw hdf5.broken("has no group model_weights beside its model_config; save the whole model");
    }
    this.layers = group;
  }

  /** The arrays of a layer. */
  final class OfLayer {
    private final String layer;
    private final List<Dataset> arrays;

    private OfLayer(String layer, List<Dataset> arrays) {
      this.layer = layer;
      this.arrays = arrays;
    }

    /**
     * Refuses another number.
     *
     * @param expected names those that must be there
     */
    OfLayer require(List<String> expected) {
      if (arrays.size() != expected.size()) {
        throw hdf5.broken(
            "layer %s has %d arrays of weights, its options make it %s"
                .formatted(layer, arrays.size(), expected));
      }
      return this;
    }

    /** The number of rows of an array that must have {@code dimensions}. */
    int extent(int array, int dimension, int dimensions) {
      int[] shape = hdf5.shape(arrays.get(array));
      if (shape.length != dimensions || shape[dimension] < 1) {
        throw hdf5.broken(
            "layer %s, array %d: has %d dimensions, expected %d"
                .formatted(layer, array, shape.length, dimensions));
      }
      return shape[dimension];
    }

    /** The values of an array of this shape. */
    float[] floats(int array, String what, int... shape) {
      return hdf5.floats(arrays.get(array), "layer %s: %s".formatted(layer, what), shape);
    }

    /** Some of the arrays, as those of a direction are. */
    OfLayer part(int from, int to) {
      return new OfLayer(layer, arrays.subList(from, to));
    }

    int count() {
      return arrays.size();
    }
  }

  /** Those of the layer called {@code name}. */
  OfLayer of(String name) {
    Node node = hdf5.find(layers, name);
    if (!(node instanceof Group group)) {
      throw hdf5.broken("model_weights has no group for layer %s".formatted(name));
    }
    List<Dataset> arrays = new ArrayList<>();
    for (String array :
        hdf5.texts(group, "weight_names")
            .orElseThrow(() ->
                hdf5.broken("layer %s: its group has no attribute weight_names".formatted(name)))) {
      if (!(hdf5.find(group, array) instanceof Dataset dataset)) {
        throw hdf5.broken("layer %s: array %s is missing".formatted(name, array));
      }
      arrays.add(dataset);
    }
    return new OfLayer(name, arrays);
  }
}
