package io.github.stillgate.training;

import ai.djl.ndarray.NDArray;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Adam with bias correction, its moments open to checkpoints. DJL's own optimizer keeps them
 * private, so a run resumed with it would not be the run that was interrupted.
 */
final class Adam {
  private static final double BETA1 = 0.9;
  private static final double BETA2 = 0.999;
  private static final float EPSILON = 1e-8f;

  private final Map<String, NDArray> parameters;
  final Map<String, NDArray> first = new LinkedHashMap<>();
  final Map<String, NDArray> second = new LinkedHashMap<>();

  Adam(Map<String, NDArray> parameters) {
    this.parameters = parameters;
    parameters.forEach((name, p) -> {
      first.put(name, p.getManager().zeros(p.getShape()));
      second.put(name, p.getManager().zeros(p.getShape()));
    });
  }

  /**
   * One update from the gradients the parameters hold, whose joint norm is first scaled down to
   * {@code clip}.
   *
   * @param update number of this update, counted from 0
   * @return the norm before clipping
   */
  double update(int update, float learningRate, float clip) {
    double norm = norm(update);
    float scale = norm > clip ? (float) (clip / norm) : 1;
    double correction1 = 1 - Math.pow(BETA1, update + 1.0);
    double correction2 = 1 - Math.pow(BETA2, update + 1.0);
    float rate = (float) (learningRate * Math.sqrt(correction2) / correction1);
    float epsilon = (float) (EPSILON * Math.sqrt(correction2));
    parameters.forEach((name, p) -> {
      try (var scope = p.getManager().newSubManager()) {
        NDArray gradient = p.getGradient();
        gradient.attach(scope);
        NDArray g = gradient.mul(scale);
        NDArray m = first.get(name);
        NDArray v = second.get(name);
        m.muli((float) BETA1).addi(g.mul((float) (1 - BETA1)));
        v.muli((float) BETA2).addi(g.mul(g).mul((float) (1 - BETA2)));
        NDArray root = v.sqrt();
        root.attach(scope);
        NDArray step = m.div(root.addi(epsilon));
        step.attach(scope);
        p.subi(step.muli(rate));
        // The engine adds to gradients. Its own zeroGradients() leaves two arrays a parameter
        // behind
        // with every call, and subtracts, so a NaN would stay for ever.
        gradient.muli(0);
      }
    });
    return norm;
  }

  private double norm(int update) {
    double squares = 0;
    for (Map.Entry<String, NDArray> p : parameters.entrySet()) {
      try (var scope = p.getValue().getManager().newSubManager()) {
        NDArray gradient = p.getValue().getGradient();
        gradient.attach(scope);
        double part = gradient.mul(gradient).sum().getFloat();
        if (!Double.isFinite(part)) {
          throw new IllegalStateException(
              "update %d: the gradient of %s is not finite; lower --learning-rate or --clip and"
                      .formatted(update, p.getKey())
                  + " continue from the checkpoint");
        }
        squares += part;
      }
    }
    return Math.sqrt(squares);
  }
}
