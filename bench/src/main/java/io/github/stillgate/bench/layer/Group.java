package io.github.stillgate.bench.layer;

import io.github.stillgate.core.model.Layer;
import io.github.stillgate.core.plan.BackendUnavailableException;
import io.github.stillgate.core.plan.PlanOptions;
import io.github.stillgate.core.plan.WeightFormat;
import java.util.ArrayList;
import java.util.List;

/**
 * The contenders on one layer, whose answers must agree.
 *
 * @param layer kind of layer, a name of {@link LayerKind#ALL}
 * @param width values that come out
 * @param contenders who runs it
 * @param leftOut one line for each contender that cannot run here, with the reason
 */
record Group(String layer, int width, List<Contender> contenders, List<String> leftOut) {
  /**
   * Everybody who runs in one JVM: the contenders on the case's layer first, then those on the
   * layers that it is compared with.
   *
   * @param backends ours, the preferred first
   */
  static List<Group> all(Case one, List<String> backends) {
    LayerKind kind = LayerKind.of(one.layer());
    List<PlanOptions> ways = ways(one, backends);
    List<Group> groups = new ArrayList<>();
    groups.add(of(kind, one, ways));
    kind.comparedWith().ifPresent(other -> groups.add(of(other, one, ways)));
    return List.copyOf(groups);
  }

  /** All backends with either format of weights, and the preferred one also with a BLAS. */
  private static List<PlanOptions> ways(Case one, List<String> backends) {
    List<PlanOptions> ways = new ArrayList<>();
    for (WeightFormat weights : WeightFormat.values()) {
      for (String backend : backends) {
        ways.add(PlanOptions.defaults().withBackend(backend).withWeights(weights));
      }
    }
    // A single step of one stream never calls a BLAS.
    if (one.rows() > 1) {
      ways.add(PlanOptions.defaults().withBackend(backends.getFirst()).withBlas());
    }
    return ways;
  }

  /**
   * We, in several ways, and the other runtime if it has this kind of layer.
   *
   * @param ways ours; what one of them asks for may be missing here
   */
  static Group of(LayerKind kind, Case one, List<PlanOptions> ways) {
    Layer layer = kind.make(one.units());
    List<Contender> contenders = new ArrayList<>();
    List<String> leftOut = new ArrayList<>();
    for (PlanOptions way : ways) {
      try {
        contenders.add(OwnLayer.of(layer, way, one));
      } catch (BackendUnavailableException missing) {
        leftOut.add("left out (%s): %s".formatted(way, missing.getMessage()));
      }
    }
    if (kind.elsewhere()) {
      Contender.peer(layer, one).ifPresent(contenders::add);
    }
    return new Group(kind.name(), layer.outputs(), contenders, leftOut);
  }
}
