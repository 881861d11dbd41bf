package io.github.stillgate.importers.onnx;

import io.github.stillgate.core.model.Combine;
import io.github.stillgate.core.model.MatrixProduct;
import java.util.Arrays;
import java.util.Optional;
import java.util.Set;

/** Products of matrices in a graph: MatMul and Gemm. */
final class ProductNodes {
  static final Set<String> OPERATORS = Set.of("MatMul", "Gemm");

  private final GraphNode node;
  private final Lowering lowering;

  private ProductNodes(GraphNode node, Lowering lowering) {
    this.node = node;
    this.lowering = lowering;
  }

  static void lower(GraphNode node, Lowering lowering) {
    ProductNodes read = new ProductNodes(node, lowering);
    if (node.operator().equals("Gemm")) {
      read.gemm();
    } else {
      read.matMul();
    }
  }

  private OnnxTensor matrix(int input) {
    OnnxTensor tensor = lowering.requireConstant(node, node.input(input), "a matrix");
    if (!tensor.isFloat()) {
      throw node.unsupported("multiplies whole numbers (%s)".formatted(tensor));
    }
    return tensor;
  }

  private void matMul() {
    node.requireAttributes();
    boolean left = lowering.isConstant(node.input(0));
    boolean right = lowering.isConstant(node.input(1));
    if (left || right) {
      OnnxTensor constant = matrix(left ? 0 : 1);
      Elements x = lowering.read(node, left ? 1 : 0);
      int rank = constant.shape().length;
      if (rank < 2 || x.rank() < 2) {
        throw node.unsupported(
            "multiplies a vector (%s); supported are matrices".formatted(constant));
      }
      int rows = constant.shape()[rank - 2];
      int columns = constant.shape()[rank - 1];
      if (constant.size() != rows * columns) {
        throw node.unsupported(
            "multiplies by a stack of constant matrices (%s); supported is one"
                .formatted(constant));
      }
      int[] turned = x.orderWithLast(x.rank() - 2);
      Elements slices = left ? x.transposed(turned) : x;
      lowering.budget().take(left ? rows : columns, node);
      Elements product = dense(slices, constant, left, 1, new float[left ? rows : columns]);
      Elements result = left ? product.transposed(Elements.inverse(turned)) : product;
      lowering.give(node, 0, withRank(result, rank));
      return;
    }
    computed(lowering.read(node, 0), lowering.read(node, 1));
  }

  /** A constant of more dimensions gives as many. */
  private static Elements withRank(Elements result, int rank) {
    int more = rank - result.rank();
    if (more <= 0) {
      return result;
    }
    int[] shape = new int[rank];
    Arrays.fill(shape, 1);
    System.arraycopy(result.shape(), 0, shape, more, result.rank());
    return result.reshaped(shape);
  }

  /**
   * Rows of a constant times the last dimension.
   *
   * @param outputsFirst whether the constant is outputs x inputs
   * @param bias one value for each output, taken
   */
  private Elements dense(
      Elements x, OnnxTensor constant, boolean outputsFirst, float scale, float[] bias) {
    int inputs = x.shape()[x.rank() - 1];
    int rank = constant.shape().length;
    int read = constant.shape()[outputsFirst ? rank - 1 : rank - 2];
    if (read != inputs) {
      throw node.malformed("its weights read %d values, expected %d".formatted(read, inputs));
    }
    lowering.budget().take(constant.size(), node);
    float[] values = constant.weights();
    float[] w = new float[values.length];
    for (int o = 0; o < bias.length; o++) {
      for (int i = 0; i < inputs; i++) {
        w[o * inputs + i] = scale * values[outputsFirst ? o * inputs + i : i * bias.length + o];
      }
    }
    int positions = x.size() / inputs;
    int[] shape = x.shape().clone();
    shape[shape.length - 1] = bias.length;
    return new Elements(
        shape,
        lowering.layer(node, new LayerFold.Product(positions, 1, inputs, w, bias), x.numbers()));
  }

  private void computed(Elements a, Elements b) {
    if (a.rank() < 2 || b.rank() < 2) {
      throw node.unsupported("multiplies a computed vector; supported are matrices");
    }
    int rows = a.shape()[a.rank() - 2];
    int inner = a.shape()[a.rank() - 1];
    int columns = b.shape()[b.rank() - 1];
    if (b.shape()[b.rank() - 2] != inner) {
      throw node.malformed(
          "multiplies %s and %s".formatted(Arrays.toString(a.shape()), Arrays.toString(b.shape())));
    }
    int[] stack =
        Elements.common(
            node, Arrays.copyOf(a.shape(), a.rank() - 2), Arrays.copyOf(b.shape(), b.rank() - 2));
    Elements left = a.stretched(with(stack, rows, inner));
    Elements right = b.stretched(with(stack, inner, columns));
    int count = left.size() / (rows * inner);
    long[] all = new long[count * rows * columns];
    for (int i = 0; i < count; i++) {
      long[] product =
          lowering.layer(
              node,
              rows * columns,
              name -> new MatrixProduct(name, rows, inner, columns),
              part(left, i, rows * inner),
              part(right, i, inner * columns));
      System.arraycopy(product, 0, all, i * product.length, product.length);
    }
    lowering.give(node, 0, new Elements(with(stack, rows, columns), all));
  }

  private static int[] with(int[] stack, int rows, int columns) {
    int[] shape = Arrays.copyOf(stack, stack.length + 2);
    shape[stack.length] = rows;
    shape[stack.length + 1] = columns;
    return shape;
  }

  private static long[] part(Elements elements, int i, int size) {
    return Arrays.copyOfRange(elements.numbers(), i * size, (i + 1) * size);
  }

  /** {@code alpha A B + beta C}. */
  private void gemm() {
    node.requireAttributes("alpha", "beta", "transA", "transB");
    Elements a = lowering.read(node, 0);
    if (a.rank() != 2) {
      throw node.malformed("A has %d dimensions, expected 2".formatted(a.rank()));
    }
    if (!lowering.isConstant(node.input(1))) {
      throw node.unsupported(
          "B (\"%s\") is computed; supported are constants".formatted(node.input(1)));
    }
    OnnxTensor b = matrix(1);
    if (b.shape().length != 2) {
      throw node.malformed("B is %s, expected a matrix".formatted(b));
    }
    boolean turned = node.flag("transB");
    Elements x = node.flag("transA") ? a.transposed(1, 0) : a;
    int outputs = b.shape()[turned ? 0 : 1];
    lowering.budget().take(outputs, node);
    float beta = node.number("beta", 1);
    Optional<OnnxTensor> c = lowering.constant(node, node.input(2));
    float[] bias = new float[outputs];
    boolean rest = !node.input(2).isEmpty();
    if (c.isPresent() && rows(c.get()) == 1) {
      float[] values = lowering.stretched(node, c.get(), 1, outputs);
      for (int i = 0; i < outputs; i++) {
        bias[i] = beta * values[i];
      }
      rest = false;
    }
    Elements product = dense(x, b, turned, node.number("alpha", 1), bias);
    lowering.give(node, 0, product);
    if (rest) {
      if (beta != 1) {
        throw node.unsupported("beta is %s with a matrix C; supported is 1".formatted(beta));
      }
      Elements added = lowering.read(node, 2).stretched(product.shape());
      long[] sum =
          lowering.layer(
              node,
              product.size(),
              name -> new Combine(name, product.size(), Combine.Kind.ADD),
              product.numbers(),
              added.numbers());
      lowering.give(node, 0, new Elements(product.shape(), sum));
    }
  }

  private static int rows(OnnxTensor c) {
    int rank = c.shape().length;
    return rank < 2 ? 1 : c.shape()[rank - 2];
  }
}
