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

  /** Gradients whose memory is that of a Java array, by parameter. */
  private final Map<String, NDArray> dropped = new LinkedHashMap<>();

  Adam(Map<String, NDArray> parameters) {
    this.parameters = parameters;
    parameters.forEach((name, p) -> {
      first.put(name, p.getManager().zeros(p.getShape()));
      second.put(name, p.getManager().zeros(p.getShape()));
    });
  }

  /**
   * One update from the gradients the parameters hold, whose joint norm is first scaled down to
   * {@code clip}. A gradient that is not finite is dropped and changes nothing.
   *
   * @param update number of this update, counted from 0
   * @return the norm before clipping
   */
  double update(int update, float learningRate, float clip) {
    double norm = norm();
    if (!Double.isFinite(norm)) {
      dropGradients();
      return norm;
    }
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

  private double norm() {
    double squares = 0;
    for (NDArray p : parameters.values()) {
      try (var scope = p.getManager().newSubManager()) {
        NDArray gradient = p.getGradient();
        gradient.attach(scope);
        squares += gradient.mul(gradient).sum().getFloat();
      }
    }
    return Math.sqrt(squares);
  }

  /**
   * Multiplying by 0 would keep what is not finite. Setting values makes the tensor share memory
   * with the Java array object, so that is kept until the next time: closed, it left PyTorch
   * writing gradients to freed memory, which ended in a crash some updates later.
   */
  private void dropGradients() {
    parameters.forEach((name, p) -> {
      NDArray gradient = p.getGradient();
      gradient.set(new float[(int) gradient.size()]);
      NDArray before = dropped.put(name, gradient);
      if (before != null) {
        before.close();
      }
    });
  }
}
