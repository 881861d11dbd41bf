package io.github.stillgate.contract;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;
import static org.assertj.core.api.Assertions.assertThat;

import io.github.stillgate.contract.SampleRows.Shape;
import io.github.stillgate.core.kernel.ActiveSet;
import io.github.stillgate.core.kernel.Backend;
import io.github.stillgate.core.kernel.Batch;
import io.github.stillgate.core.kernel.Lanes;
import io.github.stillgate.core.kernel.Operand;
import io.github.stillgate.core.kernel.Pack;
import io.github.stillgate.core.kernel.PackLayout;
import io.github.stillgate.core.kernel.Product;
import io.github.stillgate.core.kernel.SumOrder;
import io.github.stillgate.core.kernel.WeightFormat;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalInt;
import java.util.SplittableRandom;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.IntPredicate;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * What every backend's packs promise in both formats, bit for bit. The expected sums are written
 * out by the subclass in the order of summation it is about, and share no code with any kernel.
 * Sums, vectors, scratch and tables lie between guard zones; scratch is NaN beforehand.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
abstract class SumsContract extends SumsFixture {
  SumsContract(Backend backend, SumOrder order) {
    super(backend, order);
  }

  @ParameterizedTest
  @MethodSource("shapes")
  void sumsHaveTheBitsOfTheirOrder(Shape shape) {
    check(shape, new SplittableRandom(31));
  }

  /** The same for random shapes, alone and in batches. */
  @Test
  void sumsHaveTheBitsOfTheirOrderInEveryShape() {
    FuzzRun run = FuzzRun.begin("sums " + order + " " + backend.name(), 40);
    while (run.next()) {
      SplittableRandom random = run.random();
      Shape shape = SampleRows.shape(random);
      try (Arena round = Arena.ofShared()) {
        memory = new GuardedMemory(round);
        check(shape, random);
        checkBatches(shape, random, List.of(1 + random.nextInt(20)));
        memory.assertIntact();
      } catch (AssertionError e) {
        throw new AssertionError(run + ", " + shape + ": " + e.getMessage(), e);
      }
    }
    memory = new GuardedMemory(arena);
  }

  private void check(Shape shape, SplittableRandom random) {
    SampleRows rows = new SampleRows(shape, random);
    for (WeightFormat format : SumsFixture.FLOATS) {
      Pack pack = pack(rows.groups(), format);
      for (ActiveSet set : sets(shape.groups(), random)) {
        Case one = new Case(rows, pack, random);
        one.multiply(set, 0, set.count());
        one.assertSums(live(set, 0, set.count()), "%s", set.count());
      }
    }
  }

  /** A batch has the bits of its streams alone, whatever is live in each and whatever left out. */
  @ParameterizedTest
  @MethodSource("shapes")
  void aStreamsBitsDoNotDependOnItsBatch(Shape shape) {
    checkBatches(shape, new SplittableRandom(32), List.of(1, 2, 3, 4, 5, 8, 13));
  }

  private void checkBatches(Shape shape, SplittableRandom random, List<Integer> counts) {
    SampleRows rows = new SampleRows(shape, random);
    for (WeightFormat format : SumsFixture.FLOATS) {
      Pack pack = pack(rows.groups(), format);
      Batch batch = new Batch(15 + 5, pack, memory);
      for (int count : counts) {
        int leftOut = shape.operands() > 1 ? random.nextInt(shape.operands() + 1) - 1 : -1;
        for (boolean allLive : new boolean[] {false, true}) {
          batch.clear();
          List<Case> cases = new ArrayList<>();
          for (int stream = 0; stream < count; stream++) {
            Case one = new Case(rows, pack, random);
            one.leaveOut(leftOut);
            cases.add(one);
            batch.add(allLive ? all(shape.groups()) : any(shape.groups(), random), one.binding);
          }
          Bits.fill(batch.scratch(), Float.NaN);
          pack.multiply(batch);
          for (int stream = 0; stream < count; stream++) {
            ActiveSet set = batch.set(stream);
            cases
                .get(stream)
                .assertSums(live(set, 0, set.count()), "stream %d of %d", stream, count);
          }
        }
      }
    }
  }

  /** Rounding the weights beforehand or while they are packed is the same. */
  @ParameterizedTest
  @MethodSource("shapes")
  void bf16IsF32OfRoundedWeights(Shape shape) {
    SampleRows rows = new SampleRows(shape, new SplittableRandom(33));
    Pack stored = pack(rows.groups(), WeightFormat.BF16);
    Pack rounded = pack(rows.map(SumsContract::toBf16), WeightFormat.F32);
    ActiveSet set = all(shape.groups());
    Case left = new Case(rows, stored, new SplittableRandom(7));
    Case right = new Case(rows, rounded, new SplittableRandom(7));
    left.multiply(set, 0, set.count());
    right.multiply(set, 0, set.count());
    for (int operand = 0; operand < shape.operands(); operand++) {
      float[] expected = Bits.floats(right.sums(operand), shape.sumFloats(operand));
      Bits.assertEqual(left.sums(operand), expected, "operand %d", operand);
    }
  }

  /** NaN spreads if it is ever added, so rows that must not be read hold nothing else. */
  @ParameterizedTest
  @MethodSource("shapes")
  void rowsOfStillGroupsAndOfOperandsLeftOutAreNotRead(Shape shape) {
    SplittableRandom random = new SplittableRandom(34);
    SampleRows rows = new SampleRows(shape, random);
    for (WeightFormat format : SumsFixture.FLOATS) {
      for (int remainder = 0; remainder < 3; remainder++) {
        int rest = remainder;
        IntPredicate isLive = group -> group % 3 == rest;
        int leftOut = shape.operands() > 1 ? remainder % shape.operands() : -1;
        Pack pack = pack(rows.groups(), format);
        for (int operand = 0; operand < shape.operands(); operand++) {
          for (int group = 0; group < shape.groups(); group++) {
            if (!isLive.test(group) || operand == leftOut) {
              poison(pack, operand, group);
            }
          }
        }
        ActiveSet set = set(shape.groups(), isLive);
        Case alone = new Case(rows, pack, random);
        alone.leaveOut(leftOut);
        alone.multiply(set, 0, set.count());
        alone.assertSums(isLive, "alone");
        Batch batch = new Batch(5, pack, memory);
        List<Case> cases = new ArrayList<>();
        for (int stream = 0; stream < 5; stream++) {
          cases.add(new Case(rows, pack, random));
          cases.get(stream).leaveOut(leftOut);
          batch.add(set, cases.get(stream).binding);
        }
        pack.multiply(batch);
        for (Case one : cases) {
          one.assertSums(isLive, "in a batch");
        }
      }
    }
  }

  /** All weights of a group's rows over an operand, padding included. */
  private static void poison(Pack pack, int operand, int group) {
    PackLayout layout = pack.layout();
    PackLayout.Part part = layout.part(operand);
    long from = part.at(group);
    long count =
        layout.order() == SumOrder.CHAIN
            ? (long) Lanes.padded(part.rows(group)) * part.columns()
            : (long) part.rows(group) * Lanes.padded(part.columns());
    MemorySegment weights = pack.weights().weights();
    for (long at = from; at < from + count; at++) {
      switch (layout.format()) {
        case F32 -> weights.setAtIndex(JAVA_FLOAT, at, Float.NaN);
        case BF16 -> weights.setAtIndex(JAVA_SHORT, at, (short) 0x7fc0);
      }
    }
  }

  /** A row that a unit lacks takes no room, and its sum is +0 from the beginning. */
  @Test
  void aMissingRowIsNotStoredAndItsSumIsZero() {
    SampleRows rows =
        new SampleRows(
            new Shape(37, 5, List.of(33, 20), List.of(2, 3), true), new SplittableRandom(35));
    for (WeightFormat format : SumsFixture.FLOATS) {
      Pack pack = pack(rows.groups(), format);
      assertThat(pack.layout().elements()).isEqualTo(elements(rows));
      assertThat(pack.weights().weights().byteSize()).isEqualTo(elements(rows) * format.bytes());
      Operand[] operands = {new Operand(33, memory), new Operand(20, memory)};
      for (Operand operand : operands) {
        Bits.put(operand.floats(), SampleRows.vector(operand.width(), new SplittableRandom(4)));
      }
      Product product = new Product(pack, memory, 1, operands);
      product.multiply(all(8));
      int missing = 0;
      for (int operand = 0; operand < 2; operand++) {
        for (int kind = 0; kind < rows.shape().kinds().get(operand); kind++) {
          for (int unit = 0; unit < 37; unit++) {
            if (!rows.has(operand, kind, unit)) {
              float sum = product.sums(operand).getAtIndex(JAVA_FLOAT, kind * 64 + unit);
              assertThat(Float.floatToRawIntBits(sum)).isZero();
              missing++;
            }
          }
        }
      }
      assertThat(missing).isPositive();
    }
  }

  private long elements(SampleRows rows) {
    Shape shape = rows.shape();
    long elements = 0;
    for (int operand = 0; operand < shape.operands(); operand++) {
      int[] stored = new int[shape.groups()];
      for (int kind = 0; kind < shape.kinds().get(operand); kind++) {
        for (int unit = 0; unit < shape.units(); unit++) {
          stored[unit / shape.groupUnits()] += rows.has(operand, kind, unit) ? 1 : 0;
        }
      }
      int width = shape.widths().get(operand);
      for (int count : stored) {
        elements +=
            order == SumOrder.CHAIN
                ? (long) (count + 31) / 32 * 32 * width
                : (long) count * ((width + 31) / 32 * 32);
      }
    }
    return elements;
  }

  @ParameterizedTest
  @MethodSource("shapes")
  void aPartOfTheSetLeavesTheRestAlone(Shape shape) {
    SplittableRandom random = new SplittableRandom(36);
    SampleRows rows = new SampleRows(shape, random);
    for (WeightFormat format : SumsFixture.FLOATS) {
      Pack pack = pack(rows.groups(), format);
      for (ActiveSet set : sets(shape.groups(), random)) {
        int from = random.nextInt(set.count() + 1);
        int to = from + random.nextInt(set.count() - from + 1);
        Case one = new Case(rows, pack, random);
        one.multiply(set, from, to);
        one.assertSums(live(set, from, to), "positions %d .. %d", from, to);
      }
    }
  }

  /** Two threads with scratch of their own leave what one leaves, alone and in a batch. */
  @ParameterizedTest
  @MethodSource("shapes")
  void twoThreadsLeaveTheBitsOfOne(Shape shape) throws Exception {
    SplittableRandom random = new SplittableRandom(37);
    SampleRows rows = new SampleRows(shape, random);
    try (ExecutorService threads = Executors.newFixedThreadPool(2)) {
      for (WeightFormat format : SumsFixture.FLOATS) {
        Pack pack = pack(rows.groups(), format);
        Batch batch = new Batch(7, pack, memory);
        MemorySegment otherScratch = Lanes.floats(pack.batchScratchFloats(7), memory);
        for (int round = 0; round < 4; round++) {
          Case one = new Case(rows, pack, random);
          ActiveSet set = round == 0 ? all(shape.groups()) : any(shape.groups(), random);
          MemorySegment first = scratch();
          MemorySegment second = scratch();
          int cut = set.count() / 2;
          together(
              threads,
              () -> pack.multiply(set, 0, cut, one.binding, first),
              () -> pack.multiply(set, cut, set.count(), one.binding, second));
          one.assertSums(live(set, 0, set.count()), "cut at %d", cut);

          batch.clear();
          List<Case> cases = new ArrayList<>();
          for (int stream = 0; stream < 6; stream++) {
            cases.add(new Case(rows, pack, random));
            batch.add(
                round == 0 ? all(shape.groups()) : any(shape.groups(), random),
                cases.get(stream).binding);
          }
          pack.prepare(batch);
          int middle = shape.groups() / 2;
          together(
              threads,
              () -> pack.multiply(batch, 0, middle, batch.scratch()),
              () -> pack.multiply(batch, middle, shape.groups(), otherScratch));
          for (int stream = 0; stream < 6; stream++) {
            ActiveSet live = batch.set(stream);
            cases.get(stream).assertSums(live(live, 0, live.count()), "stream %d", stream);
          }
        }
      }
    }
  }

  private static void together(ExecutorService threads, Runnable left, Runnable right)
      throws Exception {
    CyclicBarrier start = new CyclicBarrier(2);
    List<Future<?>> ends = new ArrayList<>();
    for (Runnable half : List.of(left, right)) {
      ends.add(
          threads.submit(() -> {
            start.await();
            half.run();
            return null;
          }));
    }
    for (Future<?> end : ends) {
      end.get();
    }
  }

  /** The sums of a token are those of its one-hot vector, whichever operand it may be. */
  @ParameterizedTest
  @MethodSource("shapes")
  void aTokensColumnIsTheProductOfItsOneHotVector(Shape shape) {
    SplittableRandom random = new SplittableRandom(38);
    SampleRows rows = new SampleRows(shape, random);
    ActiveSet set = all(shape.groups());
    for (WeightFormat format : SumsFixture.FLOATS) {
      for (int tokens = 0; tokens < shape.operands(); tokens++) {
        Pack pack = pack(rows.groups(OptionalInt.of(tokens)), format);
        Product byToken = product(shape, pack, random);
        Product oneHot = product(shape, pack, new SplittableRandom(1));
        for (int operand = 0; operand < shape.operands(); operand++) {
          oneHot.operand(operand).floats().copyFrom(byToken.operand(operand).floats());
        }
        int width = shape.widths().get(tokens);
        Operand hot = oneHot.operand(tokens);
        for (int token = 0; token < width; token += 1 + width / 12) {
          hot.floats().fill((byte) 0);
          hot.floats().setAtIndex(JAVA_FLOAT, token, 1f);
          oneHot.multiply(set);
          byToken.takeToken(token);
          assertThat(byToken.isTaken(tokens) && byToken.isByToken()).isTrue();
          byToken.multiply(set);
          assertSameSums(byToken, oneHot, shape, format + " token " + token);
        }
        hot.floats().copyFrom(byToken.operand(tokens).floats());
        oneHot.multiply(set);
        byToken.multiplyAgain(tokens);
        assertThat(byToken.isTaken(tokens) || byToken.isByToken()).isFalse();
        byToken.multiply(set);
        assertSameSums(byToken, oneHot, shape, format + " multiplied again");
      }
    }
  }

  /** Sums that were taken are handed on and never written, and the rest is multiplied. */
  @Test
  void takenSumsAreHandedOnAsTheyAre() {
    Shape shape = new Shape(37, 5, List.of(31, 40), List.of(2, 1), true);
    SplittableRandom random = new SplittableRandom(39);
    SampleRows rows = new SampleRows(shape, random);
    ActiveSet set = all(shape.groups());
    for (WeightFormat format : SumsFixture.FLOATS) {
      Pack pack = pack(rows.groups(), format);
      Product product = product(shape, pack, random);
      MemorySegment made = Lanes.floats(shape.sumFloats(1), memory);
      Bits.fill(made, STALE);
      product.take(1, made);
      product.multiply(set);
      assertThat(product.sums(1)).isSameAs(made);
      float[] stale = new float[shape.sumFloats(1)];
      Arrays.fill(stale, STALE);
      Bits.assertEqual(made, stale, "taken sums");
      assertThat(product.multipliesAnything()).isTrue();
      Product plain = product(shape, pack, random);
      plain.operand(0).floats().copyFrom(product.operand(0).floats());
      plain.multiply(set);
      float[] expected = Bits.floats(plain.sums(0), shape.sumFloats(0));
      Bits.assertEqual(product.sums(0), expected, "the other operand");
      product.take(0, made);
      assertThat(product.multipliesAnything()).isFalse();
      product.multiply(set);
      Bits.assertEqual(made, stale, "taken sums");
    }
  }
}
