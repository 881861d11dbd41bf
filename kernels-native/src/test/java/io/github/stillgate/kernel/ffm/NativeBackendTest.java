package io.github.stillgate.kernel.ffm;

import io.github.stillgate.contract.AllocationContract;
import io.github.stillgate.contract.BatchContract;
import io.github.stillgate.contract.CellsContract;
import io.github.stillgate.contract.ConditionalDenseContract;
import io.github.stillgate.contract.ConditionalDenseReadsContract;
import io.github.stillgate.contract.FormatContract;
import io.github.stillgate.contract.GraphContract;
import io.github.stillgate.contract.GraphNamesContract;
import io.github.stillgate.contract.GraphOperationsContract;
import io.github.stillgate.contract.GraphPositionsContract;
import io.github.stillgate.contract.InitialStateContract;
import io.github.stillgate.contract.Int8Contract;
import io.github.stillgate.contract.Int8PlanContract;
import io.github.stillgate.contract.Int8ScalesContract;
import io.github.stillgate.contract.LifecycleContract;
import io.github.stillgate.contract.LifetimeContract;
import io.github.stillgate.contract.LimitsContract;
import io.github.stillgate.contract.PaddingContract;
import io.github.stillgate.contract.PanelsContract;
import io.github.stillgate.contract.RowsContract;
import io.github.stillgate.contract.SequenceContract;
import io.github.stillgate.contract.SessionContract;
import io.github.stillgate.contract.SkippingContract;
import io.github.stillgate.contract.ThreadsContract;
import io.github.stillgate.contract.VectorOpsContract;
import io.github.stillgate.contract.ZeroRowsContract;
import org.junit.jupiter.api.Nested;

class NativeBackendTest {
  @Nested
  class KernelRows extends RowsContract {
    KernelRows() {
      super(new NativeBackend());
    }
  }

  @Nested
  class KernelPanels extends PanelsContract {
    KernelPanels() {
      super(new NativeBackend());
    }
  }

  @Nested
  class KernelVectors extends VectorOpsContract {
    KernelVectors() {
      super(new NativeBackend());
    }
  }

  @Nested
  class KernelCells extends CellsContract {
    KernelCells() {
      super(new NativeBackend());
    }
  }

  @Nested
  class Graphs extends GraphContract {
    Graphs() {
      super(new NativeBackend());
    }
  }

  @Nested
  class GraphNames extends GraphNamesContract {
    GraphNames() {
      super(new NativeBackend());
    }
  }

  @Nested
  class GraphOperations extends GraphOperationsContract {
    GraphOperations() {
      super(new NativeBackend());
    }
  }

  @Nested
  class GraphPositions extends GraphPositionsContract {
    GraphPositions() {
      super(new NativeBackend());
    }
  }

  @Nested
  class Sessions extends SessionContract {
    Sessions() {
      super(new NativeBackend());
    }
  }

  @Nested
  class Batches extends BatchContract {
    Batches() {
      super(new NativeBackend());
    }
  }

  @Nested
  class Sequences extends SequenceContract {
    Sequences() {
      super(new NativeBackend());
    }
  }

  @Nested
  class InitialStates extends InitialStateContract {
    InitialStates() {
      super(new NativeBackend());
    }
  }

  @Nested
  class Lifetimes extends LifetimeContract {
    Lifetimes() {
      super(new NativeBackend());
    }
  }

  @Nested
  class Padding extends PaddingContract {
    Padding() {
      super(new NativeBackend());
    }
  }

  @Nested
  class Skippings extends SkippingContract {
    Skippings() {
      super(new NativeBackend());
    }
  }

  @Nested
  class ConditionalDenseLayers extends ConditionalDenseContract {
    ConditionalDenseLayers() {
      super(new NativeBackend());
    }
  }

  @Nested
  class ConditionalDenseReads extends ConditionalDenseReadsContract {
    ConditionalDenseReads() {
      super(new NativeBackend());
    }
  }

  @Nested
  class Lifecycles extends LifecycleContract {
    Lifecycles() {
      super(new NativeBackend());
    }
  }

  @Nested
  class Formats extends FormatContract {
    Formats() {
      super(new NativeBackend());
    }
  }

  @Nested
  class ZeroRows extends ZeroRowsContract {
    ZeroRows() {
      super(new NativeBackend());
    }
  }

  @Nested
  class Allocations extends AllocationContract {
    Allocations() {
      super(new NativeBackend());
    }
  }

  @Nested
  class Int8Products extends Int8Contract {
    Int8Products() {
      super(new NativeBackend());
    }
  }

  @Nested
  class Int8Plans extends Int8PlanContract {
    Int8Plans() {
      super(new NativeBackend());
    }
  }

  @Nested
  class Limits extends LimitsContract {
    Limits() {
      super(new NativeBackend());
    }
  }

  @Nested
  class Int8Scales extends Int8ScalesContract {
    Int8Scales() {
      super(new NativeBackend());
    }
  }

  @Nested
  class SeveralThreads extends ThreadsContract {
    SeveralThreads() {
      super(new NativeBackend());
    }
  }
}
