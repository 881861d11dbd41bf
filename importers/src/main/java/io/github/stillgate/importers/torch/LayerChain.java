package io.github.stillgate.importers.torch;

import io.github.stillgate.core.model.Activation;
import io.github.stillgate.core.model.Layer;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The layers of a network, one behind the other, in the making. A batch norm becomes part of the
 * dense layer before it, unless a function stands between them, or of the one behind it; an
 * activation becomes that of the dense layer before it. Where there is no such layer they are dense
 * layers of their own, with a diagonal matrix or the identity.
 */
final class LayerChain {
  /** A part of the chain: how many values it reads and gives. */
  private sealed interface Link {
    int inputs();

    int outputs();
  }

  /** A layer as it is. */
  private record Whole(Layer layer) implements Link {
    @Override
    public int inputs() {
      return layer.inputs();
    }

    @Override
    public int outputs() {
      return layer.outputs();
    }
  }

  /** A dense layer, into which more may be folded. */
  private record Affine(Product product) implements Link {
    @Override
    public int inputs() {
      return product.inputs();
    }

    @Override
    public int outputs() {
      return product.outputs();
    }
  }

  /** An activation that nothing precedes, so that its width is that of what follows. */
  private record Front(String name, Activation activation) {}

  private final List<Front> fronts = new ArrayList<>();
  private final List<Link> links = new ArrayList<>();
  private final List<String> remarks = new ArrayList<>();
  private @Nullable BatchNorm waiting;

  /** Adds a layer as it is. */
  void add(Layer layer) {
    settle();
    add(new Whole(layer));
  }

  /**
   * Adds a dense layer.
   *
   * @throws IllegalArgumentException if a batch norm before it has another width
   */
  void add(Product product) {
    BatchNorm norm = waiting;
    if (norm == null) {
      add(new Affine(product));
      return;
    }
    requireWidth(norm, "layer %s reads".formatted(product.name()), product.inputs());
    remarks.add("%s is folded into %s behind it".formatted(norm.name(), product.name()));
    waiting = null;
    add(new Affine(product.behind(norm)));
  }

  /**
   * Adds a batch norm.
   *
   * @throws IllegalArgumentException if what is before it has another width
   */
  void add(BatchNorm norm) {
    BatchNorm before = waiting;
    if (before != null) {
      requireWidth(norm, "%s gives".formatted(before.name()), before.width());
      waiting = before.then(norm);
      remarks.add("%s is folded into %s before it".formatted(norm.name(), before.name()));
    } else if (last() instanceof Affine(Product product) && product.isLinear()) {
      requireWidth(norm, "layer %s gives".formatted(product.name()), product.outputs());
      links.set(links.size() - 1, new Affine(product.then(norm)));
      remarks.add("%s is folded into %s before it".formatted(norm.name(), product.name()));
    } else {
      waiting = norm;
    }
  }

  /** Adds an activation. */
  void add(String name, Activation activation) {
    settle();
    Link last = last();
    if (last == null) {
      fronts.add(new Front(name, activation));
    } else if (last instanceof Affine(Product product) && product.takes(activation)) {
      links.set(links.size() - 1, new Affine(product.then(activation)));
    } else {
      links.add(new Affine(identity(name, last.outputs(), activation)));
    }
  }

  /**
   * The layers.
   *
   * @throws IllegalArgumentException if there are only activations, whose width nothing says, or a
   *     weight is beyond float32 or not finite
   */
  List<Layer> layers() {
    settle();
    if (links.isEmpty()) {
      throw new IllegalArgumentException(
          "activations alone are no network; name the modules before or behind them");
    }
    List<Layer> layers = new ArrayList<>();
    for (Link link : links) {
      layers.add(
          switch (link) {
            case Whole(Layer layer) -> layer;
            case Affine(Product product) -> product.layer();
          });
    }
    return layers;
  }

  /** What became of norms and activations that are no layers, a sentence each. */
  List<String> remarks() {
    return List.copyOf(remarks);
  }

  /** Adds the first link behind the activations that wait for its width, or any other. */
  private void add(Link link) {
    for (Front front : fronts) {
      if (links.isEmpty()) {
        links.add(new Affine(identity(front.name(), link.inputs(), front.activation())));
      } else {
        add(front.name(), front.activation());
      }
    }
    fronts.clear();
    links.add(link);
  }

  private @Nullable Link last() {
    return links.isEmpty() ? null : links.getLast();
  }

  /** A norm that found no dense layer becomes one. */
  private void settle() {
    BatchNorm norm = waiting;
    if (norm != null) {
      waiting = null;
      remarks.add(
          "%s has no dense layer beside it, so it is one, with a diagonal matrix of %d x %d"
              .formatted(norm.name(), norm.width(), norm.width()));
      add(new Affine(Product.diagonal(norm)));
    }
  }

  private Product identity(String name, int width, Activation activation) {
    remarks.add(
        "%s has no dense layer before it, so it is one, with the identity of %d x %d"
            .formatted(name, width, width));
    return Product.identity(name, width, activation);
  }

  private static void requireWidth(BatchNorm norm, String neighbour, int width) {
    if (norm.width() != width) {
      throw new IllegalArgumentException(
          "%s has %d values, but %s %d".formatted(norm.name(), norm.width(), neighbour, width));
    }
  }
}
