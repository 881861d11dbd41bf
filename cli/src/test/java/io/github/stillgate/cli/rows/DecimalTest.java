package io.github.stillgate.cli.rows;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.math.BigDecimal;
import java.math.MathContext;
import java.math.RoundingMode;
import java.nio.charset.StandardCharsets;
import java.util.Random;
import org.junit.jupiter.api.Test;

class DecimalTest {
  private static void check(String text) {
    byte[] bytes = (",x" + text + ",").getBytes(StandardCharsets.US_ASCII);
    assertThat(Float.floatToRawIntBits(Decimal.parse(bytes, 2, bytes.length - 1)))
        .as(text)
        .isEqualTo(Float.floatToRawIntBits(Float.parseFloat(text)));
  }

  /** The JDK rounds right; every number rounds as it does. */
  @Test
  void everyNumberIsTheNearestFloat() {
    Random random = new Random(1);
    for (int i = 0; i < 30_000; i++) {
      float value = Float.intBitsToFloat(random.nextInt());
      if (!Float.isFinite(value)) {
        continue;
      }
      check(Float.toString(value));
      check(String.valueOf((double) value));
      int digits = random.nextInt(1, 17);
      check(
          new BigDecimal(random.nextGaussian())
              .setScale(digits, RoundingMode.HALF_EVEN)
              .toPlainString());
      check(random.nextInt() + "e" + random.nextInt(-50, 40));
    }
  }

  /** Where rounding twice would be wrong: the middle between two floats, and next to it. */
  @Test
  void theMiddleBetweenTwoFloatsIsRoundedOnce() {
    Random random = new Random(2);
    for (int i = 0; i < 20_000; i++) {
      float value = random.nextFloat(1, 1 << 20);
      BigDecimal middle =
          new BigDecimal(value).add(new BigDecimal(Math.nextUp(value))).divide(BigDecimal.TWO);
      check(middle.toPlainString());
      check(middle.round(new MathContext(15)).toPlainString());
      check(middle.add(new BigDecimal("1e-25")).toPlainString());
      check(middle.subtract(new BigDecimal("1e-25")).toPlainString());
    }
    check("16777217");
    check("16777219");
    check("1.00000017881393421514957253748434595763683319091796875001");
  }

  @Test
  void allSpellingsAreRead() {
    for (String text :
        new String[] {
          "0",
          "-0",
          "+1",
          ".5",
          "5.",
          "1e3",
          "1E+03",
          "-2.5e-3",
          " 7\t",
          "00012",
          "1e-45",
          "1e39",
          "3.4028236e38",
          "123456789012345678901234567890",
          "0.000000000000000000000000000000001"
        }) {
      check(text);
    }
  }

  @Test
  void whatIsNoNumberIsRefused() {
    for (String text : new String[] {"", " ", "-", ".", "e5", "1e", "1.2.3", "one", "1 2", "--1"}) {
      byte[] bytes = text.getBytes(StandardCharsets.US_ASCII);
      assertThatThrownBy(() -> Decimal.parse(bytes, 0, bytes.length))
          .as(text)
          .isInstanceOf(NumberFormatException.class);
    }
  }
}
