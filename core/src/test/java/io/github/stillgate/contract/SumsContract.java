package io.github.stillgate.contract;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static org.assertj.core.api.Assertions.assertThat;

import io.github.stillgate.core.kernel.ActiveSet;
import io.github.stillgate.core.kernel.Backend;
import io.github.stillgate.core.kernel.Lanes;
import io.github.stillgate.core.kernel.Operand;
import io.github.stillgate.core.kernel.Product;
import io.github.stillgate.core.kernel.RowGroups;
import io.github.stillgate.core.kernel.RowSource;
import io.github.stillgate.core.kernel.SumOrder;
import io.github.stillgate.core.kernel.WeightFormat;
import java.lang.foreign.Arena;
import java.util.List;
import java.util.OptionalInt;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The bits of a backend's sums in both orders, against sums written out here. */
public interface SumsContract {
  /** The backend under test. */
  Backend backend();

  @ParameterizedTest
  @EnumSource
  default void sumsHaveTheBitsOfTheirOrder(SumOrder order) {
    for (WeightFormat format : WeightFormat.values()) {
      for (int columns : new int[] {1, 31, 32, 33, 65, 100}) {
        check(order, format, 37, columns);
      }
    }
  }

  private void check(SumOrder order, WeightFormat format, int units, int columns) {
    Random random = new Random(31L * columns + units);
    float[][] weights = new float[units][columns];
    float[] vector = new float[columns];
    for (int column = 0; column < columns; column++) {
      vector[column] = (float) random.nextGaussian();
      for (float[] row : weights) {
        row[column] = (float) random.nextGaussian();
      }
    }
    try (Arena arena = Arena.ofConfined()) {
      RowGroups rows =
          new RowGroups(
              units, 4, List.of(new RowGroups.Rows(0, source(weights))), OptionalInt.of(0));
      Operand operand = new Operand(columns, arena);
      for (int i = 0; i < columns; i++) {
        operand.floats().setAtIndex(JAVA_FLOAT, i, vector[i]);
      }
      Product product = new Product(backend().pack(rows, order, format, arena), arena, 1, operand);
      product.multiply(ActiveSet.all(rows.groups(), arena));
      for (int unit = 0; unit < units; unit++) {
        float[] row = weights[unit].clone();
        for (int i = 0; i < columns; i++) {
          row[i] = format.round(row[i]);
        }
        assertThat(Float.floatToRawIntBits(product.sums(0).getAtIndex(JAVA_FLOAT, unit)))
            .as("%s %s, %d columns, unit %d", order, format, columns, unit)
            .isEqualTo(Float.floatToRawIntBits(sum(order, row, vector)));
      }
    }
  }

  private static float sum(SumOrder order, float[] row, float[] vector) {
    int lanes = order == SumOrder.CHAIN ? 1 : Lanes.COUNT;
    float[] partial = new float[lanes];
    for (int i = 0; i < row.length; i++) {
      partial[i % lanes] = Math.fma(row[i], vector[i], partial[i % lanes]);
    }
    for (int half = lanes / 2; half > 0; half /= 2) {
      for (int lane = 0; lane < half; lane++) {
        partial[lane] += partial[lane + half];
      }
    }
    return partial[0];
  }

  private static RowSource source(float[][] weights) {
    return new RowSource() {
      @Override
      public int rows() {
        return weights.length;
      }

      @Override
      public int columns() {
        return weights[0].length;
      }

      @Override
      public void copyRow(int row, float[] to) {
        System.arraycopy(weights[row], 0, to, 0, to.length);
      }
    };
  }
}
