package io.github.stillgate.importers.torch;

import io.github.stillgate.core.weights.Tensor;
import java.util.Arrays;
import java.util.List;
import java.util.function.Function;

/**
 * How PyTorch makes a parameter of the tensors that a state dict has in its place. All of it is
 * folded here, in float64 and without rounding.
 */
sealed interface Parametrization {
  /** Names of the tensors it is made of, in the order of the formula. */
  List<String> tensors();

  /** What it is, for a remark: "weight norm". */
  String what();

  /**
   * The parameter.
   *
   * @param tensor finds a tensor of the file by its name
   * @throws IllegalArgumentException if shapes do not fit, or what it divides by is 0
   */
  Parameter read(String name, Function<String, Tensor> tensor);

  /**
   * {@code w = g v / |v|} with the Euclidean norm over all axes but the one along which {@code g}
   * has more than one value; over all if it has one value.
   *
   * @param g {@code weight_g} or {@code parametrizations.weight.original0}
   * @param v {@code weight_v} or {@code parametrizations.weight.original1}
   */
  record WeightNorm(String g, String v) implements Parametrization {
    @Override
    public List<String> tensors() {
      return List.of(g, v);
    }

    @Override
    public String what() {
      return "weight norm";
    }

    @Override
    public Parameter read(String name, Function<String, Tensor> tensor) {
      long[] shape = tensor.apply(v).shape();
      int axis = axis(tensor.apply(g).shape(), shape);
      double[] scales = tensor.apply(g).toDoubles();
      double[] values = tensor.apply(v).toDoubles();
      int stride = 1;
      for (int i = axis + 1; axis >= 0 && i < shape.length; i++) {
        stride *= Math.toIntExact(shape[i]);
      }
      double[] norms = new double[scales.length];
      for (int i = 0; i < values.length; i++) {
        norms[i / stride % scales.length] += values[i] * values[i];
      }
      for (int i = 0; i < norms.length; i++) {
        norms[i] = Math.sqrt(norms[i]);
        if (norms[i] == 0) {
          throw new IllegalArgumentException(
              "%s: what value %d of %s multiplies is all 0, so PyTorch divides 0 by 0"
                  .formatted(v, i, g));
        }
      }
      for (int i = 0; i < values.length; i++) {
        int at = i / stride % scales.length;
        values[i] *= scales[at] / norms[at];
      }
      return new Parameter.Computed(name, shape, values);
    }

    /** The axis along which there are several scales; -1 if there is one scale. */
    private int axis(long[] scales, long[] shape) {
      int axis = -1;
      boolean fits = scales.length == 0 || scales.length == shape.length;
      for (int i = 0; fits && i < scales.length; i++) {
        if (scales[i] != 1) {
          fits = axis < 0 && scales[i] == shape[i];
          axis = i;
        }
      }
      if (!fits || Arrays.stream(shape).anyMatch(extent -> extent == 0)) {
        throw new IllegalArgumentException(
            "%s has shape %s and %s has %s; weight norm has one value in all, or one for each place"
                    .formatted(g, Arrays.toString(scales), v, Arrays.toString(shape))
                + " along one axis, 1 along the others");
      }
      return axis;
    }
  }

  /**
   * {@code w = m / (u' M v)}, where M is m as a matrix: the axis of {@code u} first, then all
   * others. A square one is taken as PyTorch takes it unless told otherwise, rows first.
   *
   * @param m {@code weight_orig} or {@code parametrizations.weight.original}
   * @param u {@code weight_u} or {@code parametrizations.weight.0._u}
   * @param v {@code weight_v} or {@code parametrizations.weight.0._v}
   */
  record SpectralNorm(String m, String u, String v) implements Parametrization {
    @Override
    public List<String> tensors() {
      return List.of(m, u, v);
    }

    @Override
    public String what() {
      return "spectral norm";
    }

    @Override
    public Parameter read(String name, Function<String, Tensor> tensor) {
      long[] shape = tensor.apply(m).shape();
      double[] values = tensor.apply(m).toDoubles();
      int axis = axis(shape, values.length, tensor);
      double[] left = tensor.apply(u).toDoubles();
      double[] right = tensor.apply(v).toDoubles();
      int stride = 1;
      for (int i = axis + 1; i < shape.length; i++) {
        stride *= Math.toIntExact(shape[i]);
      }
      double sigma = 0;
      for (int i = 0; i < values.length; i++) {
        int outer = i / (stride * left.length);
        sigma += left[i / stride % left.length] * values[i] * right[outer * stride + i % stride];
      }
      if (sigma == 0 || !Double.isFinite(sigma)) {
        throw new IllegalArgumentException(
            "%s: its spectral norm by %s and %s is %s, and PyTorch divides by it"
                .formatted(m, u, v, sigma));
      }
      for (int i = 0; i < values.length; i++) {
        values[i] /= sigma;
      }
      return new Parameter.Computed(name, shape, values);
    }

    private int axis(long[] shape, int elements, Function<String, Tensor> tensor) {
      long[] left = tensor.apply(u).shape();
      long[] right = tensor.apply(v).shape();
      for (int i = 0; elements > 0 && i < shape.length; i++) {
        if (left.length == 1
            && right.length == 1
            && left[0] == shape[i]
            && right[0] == elements / shape[i]) {
          return i;
        }
      }
      throw new IllegalArgumentException(
          "%s has shape %s, %s %s and %s %s; spectral norm has vectors as long as one axis of it and"
                  .formatted(
                      m,
                      Arrays.toString(shape),
                      u,
                      Arrays.toString(left),
                      v,
                      Arrays.toString(right))
              + " as all others together");
    }
  }

  /**
   * {@code w = m * mask}, by {@code torch.nn.utils.prune}.
   *
   * @param m {@code weight_orig}
   * @param mask {@code weight_mask}
   */
  record Pruned(String m, String mask) implements Parametrization {
    @Override
    public List<String> tensors() {
      return List.of(m, mask);
    }

    @Override
    public String what() {
      return "a pruning mask";
    }

    @Override
    public Parameter read(String name, Function<String, Tensor> tensor) {
      long[] shape = tensor.apply(m).shape();
      if (!Arrays.equals(shape, tensor.apply(mask).shape())) {
        throw new IllegalArgumentException(
            "%s has shape %s and %s has %s; expected equal shapes"
                .formatted(
                    m, Arrays.toString(shape), mask, Arrays.toString(tensor.apply(mask).shape())));
      }
      double[] values = tensor.apply(m).toDoubles();
      double[] factors = tensor.apply(mask).toDoubles();
      for (int i = 0; i < values.length; i++) {
        values[i] *= factors[i];
      }
      return new Parameter.Computed(name, shape, values);
    }
  }

  /**
   * One whose formula the tensors' names do not tell.
   *
   * @param tensors all that the file has of it
   * @param reason why it is not read, and what to do
   */
  record Unknown(List<String> tensors, String reason) implements Parametrization {
    /** Copies the list. */
    public Unknown {
      tensors = List.copyOf(tensors);
    }

    @Override
    public String what() {
      return "an unknown parametrization";
    }

    @Override
    public Parameter read(String name, Function<String, Tensor> tensor) {
      throw new IllegalArgumentException(name + " " + reason);
    }
  }
}
