package io.github.stillgate.core.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.util.BitSet;
import java.util.List;
import java.util.OptionalInt;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;

class RowGroupsTest {
  private static RowGroups.Rows rows(int operand, int units, int columns) {
    return new RowGroups.Rows(operand, NumberedRows.of(units, columns));
  }

  private static RowGroups groups(int units, int groupUnits, RowGroups.Rows... kinds) {
    return new RowGroups(units, groupUnits, List.of(kinds), OptionalInt.empty());
  }

  @Test
  void theLastGroupMayHaveFewerUnits() {
    assertThat(groups(10, 4, rows(0, 10, 3)).groups()).isEqualTo(3);
    assertThat(groups(8, 4, rows(0, 8, 3)).groups()).isEqualTo(2);
    assertThat(groups(3, 4, rows(0, 3, 3)).groups()).isEqualTo(1);
  }

  @Test
  void kindsAreFoundByTheirOperand() {
    RowGroups.Rows first = rows(0, 5, 3);
    RowGroups.Rows second = rows(0, 5, 3);
    RowGroups.Rows third = rows(1, 5, 7);
    RowGroups groups = groups(5, 1, first, second, third);
    assertThat(groups.operands()).isEqualTo(2);
    assertThat(groups.over(0)).containsExactly(first, second);
    assertThat(groups.over(1)).containsExactly(third);
  }

  @Test
  void aKindIsThereForEveryUnitUnlessItSaysOtherwise() {
    BitSet present = new BitSet();
    present.set(1);
    RowGroups.Rows some = new RowGroups.Rows(0, NumberedRows.of(3, 2), present);
    assertThat(some.has(0)).isFalse();
    assertThat(some.has(1)).isTrue();
    assertThat(rows(0, 3, 2).has(2)).isTrue();
  }

  @Test
  void refusesWhatCannotBePacked() {
    refused(() -> groups(5, 1), "at least one kind");
    refused(() -> groups(5, 0, rows(0, 5, 3)), "groups of 0 units");
    refused(() -> groups(5, 1, rows(1, 5, 3)), "rows over operand 1 and none over operand 0");
    refused(
        () -> groups(5, 1, rows(0, 5, 3), rows(2, 5, 3)),
        "rows over operand 2 after rows over operand 0");
    refused(
        () -> groups(5, 1, rows(0, 5, 3), rows(1, 5, 3), rows(0, 5, 3)),
        "rows over operand 0 after rows over operand 1");
    refused(() -> groups(5, 1, rows(0, 4, 3)), "operand 0", "4 x 3, expected 5 x 3");
    refused(() -> groups(5, 1, rows(0, 5, 3), rows(0, 5, 4)), "operand 0", "5 x 4, expected 5 x 3");
    refused(
        () -> new RowGroups(5, 1, List.of(rows(0, 5, 3)), OptionalInt.of(1)),
        "no rows over operand 1");
    refused(
        () -> new RowGroups(5, 1, List.of(rows(0, 5, 3)), OptionalInt.of(-1)),
        "no rows over operand -1");
  }

  private static void refused(ThrowingCallable call, String... parts) {
    assertThatIllegalArgumentException()
        .isThrownBy(call)
        .satisfies(e -> assertThat(e.getMessage()).contains(parts));
  }
}
