import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;

import org.apache.kafka.common.compress.Compression;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.internals.RecordHeader;
import org.apache.kafka.common.record.TimestampType;
import org.apache.kafka.common.record.internal.CompressionType;
import org.apache.kafka.common.record.internal.ControlRecordType;
import org.apache.kafka.common.record.internal.EndTransactionMarker;
import org.apache.kafka.common.record.internal.MemoryRecords;
import org.apache.kafka.common.record.internal.Record;
import org.apache.kafka.common.record.internal.RecordBatch;
import org.apache.kafka.common.record.internal.SimpleRecord;

/**
 * Prints batches as Kafka writes them, and the records as Kafka reads them back:
 *
 *   java -cp "LIBS/*" MakeBatches.java > batches.txt
 *
 * One line "batch NAME HEX", then per record "record OFFSET TIMESTAMP KEY VALUE [NAME=VALUE]…" with
 * fields in hex and "-" for null.
 */
public class MakeBatches {
    static final HexFormat HEX = HexFormat.of();

    public static void main(String[] args) {
        for (CompressionType type : CompressionType.values()) {
            Compression codec = Compression.of(type).build();
            print(type.name + "-mixed", MemoryRecords.withRecords(RecordBatch.MAGIC_VALUE_V2, 100L, codec,
                TimestampType.CREATE_TIME, mixed()));
            print(type.name + "-transactional", MemoryRecords.withTransactionalRecords(RecordBatch.MAGIC_VALUE_V2,
                5L, codec, 4000L, (short) 3, Integer.MAX_VALUE - 1, 9, mixed()));
            print(type.name + "-append-time", MemoryRecords.withRecords(RecordBatch.MAGIC_VALUE_V2, 0L, codec,
                TimestampType.LOG_APPEND_TIME, mixed()));
            if (type != CompressionType.NONE)
                print(type.name + "-blocks", MemoryRecords.withRecords(RecordBatch.MAGIC_VALUE_V2, 0L, codec,
                    TimestampType.CREATE_TIME, manyBlocks()));
        }
        for (ControlRecordType type : List.of(ControlRecordType.ABORT, ControlRecordType.COMMIT))
            print("marker-" + type.name().toLowerCase(), MemoryRecords.withEndTransactionMarker(77L, 1_700_000_000_000L,
                4, 4000L, (short) 3, new EndTransactionMarker(type, 12)));
    }

    static SimpleRecord[] mixed() {
        Header[] headers = {
            new RecordHeader("trace", "aé".getBytes(StandardCharsets.UTF_8)),
            new RecordHeader("", new byte[0]),
            new RecordHeader("trace", null),
        };
        return new SimpleRecord[] {
            new SimpleRecord(1_700_000_000_500L, bytes("clave-ñ"), bytes("valor-🦀"), headers),
            new SimpleRecord(1_700_000_000_100L, null, bytes("no key"), new Header[0]),
            new SimpleRecord(1_700_000_000_900L, bytes("tombstone"), null, new Header[0]),
            new SimpleRecord(1_700_000_000_900L, new byte[0], new byte[0], new Header[0]),
        };
    }

    /** More than any codec's block, from few different bytes. */
    static SimpleRecord[] manyBlocks() {
        List<SimpleRecord> records = new ArrayList<>();
        for (int i = 0; i < 12; i++)
            records.add(new SimpleRecord(1_700_000_000_000L + i, bytes("k" + i), bytes(("v" + i).repeat(6000))));
        return records.toArray(new SimpleRecord[0]);
    }

    static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    static void print(String name, MemoryRecords records) {
        ByteBuffer buffer = records.buffer().duplicate();
        byte[] raw = new byte[buffer.remaining()];
        buffer.get(raw);
        System.out.println("batch " + name + " " + HEX.formatHex(raw));
        for (Record record : records.records()) {
            StringBuilder line = new StringBuilder("record " + record.offset() + " " + record.timestamp() + " "
                + field(record.key()) + " " + field(record.value()));
            for (Header header : record.headers())
                line.append(" ").append(HEX.formatHex(bytes(header.key()))).append("=")
                    .append(header.value() == null ? "-" : HEX.formatHex(header.value()));
            System.out.println(line);
        }
    }

    /** Long fields as LENGTH*FIRST BYTES, to keep the file small. */
    static String field(ByteBuffer buffer) {
        if (buffer == null)
            return "-";
        byte[] raw = new byte[buffer.remaining()];
        buffer.get(raw);
        return raw.length <= 64 ? HEX.formatHex(raw) : raw.length + "*" + HEX.formatHex(raw, 0, 3);
    }
}
