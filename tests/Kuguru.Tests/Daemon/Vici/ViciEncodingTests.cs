using System.Buffers;
using CsCheck;
using Kuguru.Daemon.Vici;
using Xunit;

namespace Kuguru.Tests.Daemon.Vici;

public class ViciEncodingTests
{
    static readonly ViciMessage Example = new()
    {
        { "key", "value" },
        { "section", new ViciMessage { { "inner", new ViciMessage { { "deep", "" } } }, { "list", (string[])["one", "two"] }, { "empty", (string[])[] } } },
        { "octets", new byte[] { 0, 0xff, 3 } },
    };

    [Fact]
    public void Values_lists_and_sections_have_type_name_and_length()
    {
        var bytes = Encode(new ViciMessage { { "k", "vw" }, { "s", new ViciMessage { { "l", (string[])["i"] } } } });
        Assert.Equal("03016b00027677" + "010173" + "04016c" + "05000169" + "06" + "02", Convert.ToHexStringLower(bytes));
    }

    [Fact]
    public void What_was_written_is_read_back() => Assert.Equal(Example, Decode(Encode(Example)));

    [Fact]
    public void Any_tree_of_printable_names_is_read_back()
    {
        var name = Gen.String[Gen.Char[' ', '~'], 0, 20];
        var value = Gen.Byte.Array[0, 40];
        var leaf = Gen.Select(name, value, (n, v) => (ViciElement)new ViciElement.Value(n, v));
        var list = Gen.Select(name, value.Array[0, 4], (n, v) => (ViciElement)new ViciElement.List(n, [.. v.Select(b => (ReadOnlyMemory<byte>)b)]));
        Gen<ViciElement> element(int depth) => depth == 0
            ? Gen.OneOf(leaf, list)
            : Gen.OneOf(leaf, list, Gen.Select(name, element(depth - 1).Array[0, 4], (n, e) => (ViciElement)new ViciElement.Section(n, Tree(e))));
        element(4).Array[0, 6].Select(Tree).Sample(message => Decode(Encode(message)).Equals(message), iter: 2000);
    }

    [Fact]
    public void Every_truncation_is_an_error_or_ends_between_two_elements()
    {
        var bytes = Encode(Example);
        for (var length = 0; length < bytes.Length; length++)
        {
            var parsed = ViciEncoding.TryParse(bytes.AsMemory(0, length), out var message, out var error);
            Assert.Equal(parsed, error == ViciError.None);
            if (parsed)
                Assert.Equal(length, Encode(message!).Length);
        }
    }

    [Fact]
    public void Mutated_octets_give_an_error_or_a_message_that_can_be_written_again()
    {
        var bytes = Encode(Example);
        Gen.Select(Gen.Int[0, bytes.Length - 1], Gen.Byte, Gen.Int[0, bytes.Length - 1], Gen.Byte).Sample((i, a, j, b) =>
        {
            var mutated = bytes.ToArray();
            (mutated[i], mutated[j]) = (a, b);
            if (ViciEncoding.TryParse(mutated, out var message, out _))
                Assert.Equal(mutated, Encode(message));
        }, iter: 20_000);
    }

    [Fact]
    public void Random_octets_never_throw() => Gen.Byte.Array[0, 200].Sample(bytes =>
    {
        ViciEncoding.TryParse(bytes, out _, out _);
        ViciPacket.TryParse(bytes, out _, out _);
    }, iter: 50_000);

    [Theory]
    [InlineData("03016b0002", ViciError.Truncated)]
    [InlineData("0301", ViciError.Truncated)]
    [InlineData("0701ff", ViciError.UnknownElement)]
    [InlineData("00", ViciError.UnknownElement)]
    [InlineData("03010a0000", ViciError.BadName)]
    [InlineData("0301800000", ViciError.BadName)]
    [InlineData("05000169", ViciError.ItemOutsideList)]
    [InlineData("06", ViciError.ItemOutsideList)]
    [InlineData("04016c03016b0000", ViciError.NotAnItemInsideList)]
    [InlineData("04016c04016c", ViciError.NotAnItemInsideList)]
    [InlineData("04016c050001", ViciError.Truncated)]
    [InlineData("04016c", ViciError.UnclosedList)]
    [InlineData("02", ViciError.SectionEndWithoutStart)]
    [InlineData("01017302" + "02", ViciError.SectionEndWithoutStart)]
    [InlineData("010173", ViciError.UnclosedSection)]
    public void Each_fault_has_its_name(string hex, ViciError expected)
    {
        Assert.False(ViciEncoding.TryParse(Convert.FromHexString(hex), out _, out var error));
        Assert.Equal(expected, error);
    }

    [Fact]
    public void Sections_nest_up_to_a_limit_and_not_beyond()
    {
        Assert.True(ViciEncoding.TryParse(Nested(ViciEncoding.MaxDepth), out _, out _));
        Assert.False(ViciEncoding.TryParse(Nested(ViciEncoding.MaxDepth + 1), out _, out var error));
        Assert.Equal(ViciError.NestedTooDeep, error);
        Assert.False(ViciEncoding.TryParse(Nested(100_000), out _, out _));
    }

    [Theory]
    [InlineData(ViciOperation.CommandRequest, "version", true)]
    [InlineData(ViciOperation.CommandResponse, "", true)]
    [InlineData(ViciOperation.CommandUnknown, "", false)]
    [InlineData(ViciOperation.EventRegister, "log", false)]
    [InlineData(ViciOperation.EventUnregister, "log", false)]
    [InlineData(ViciOperation.EventConfirm, "", false)]
    [InlineData(ViciOperation.EventUnknown, "", false)]
    [InlineData(ViciOperation.Event, "list-sa", true)]
    public void Every_packet_is_read_back(ViciOperation operation, string name, bool hasMessage)
    {
        var packet = new ViciPacket(operation, name, hasMessage ? Example : []);
        Assert.True(packet.TryWrite(out var frame));
        Assert.Equal(frame.Length - 4, (frame[2] << 8) | frame[3]);
        Assert.True(ViciPacket.TryParse(frame.AsMemory(4), out var read, out _));
        Assert.Equal(packet, read);
    }

    [Theory]
    [InlineData("", ViciError.Truncated)]
    [InlineData("08", ViciError.UnknownOperation)]
    [InlineData("03056c6f67", ViciError.Truncated)]
    [InlineData("03036c6f6700", ViciError.TrailingOctets)]
    [InlineData("0500", ViciError.TrailingOctets)]
    public void A_wrong_packet_says_why(string hex, ViciError expected)
    {
        Assert.False(ViciPacket.TryParse(Convert.FromHexString(hex), out _, out var error));
        Assert.Equal(expected, error);
    }

    [Fact]
    public void A_packet_longer_than_the_protocol_allows_is_not_written()
    {
        var full = new ViciMessage { { "a", new byte[60_000] }, { "b", new byte[60_000] } };
        Assert.True(new ViciPacket(ViciOperation.CommandResponse, "", full).TryWrite(out _));
        ViciMessage tooMuch = [];
        for (var i = 0; i < 9; i++)
            tooMuch.Add($"{i}", new byte[60_000]);
        Assert.False(new ViciPacket(ViciOperation.CommandResponse, "", tooMuch).TryWrite(out _));
    }

    [Fact]
    public void Neither_message_nor_packet_prints_a_value()
    {
        var packet = new ViciPacket(ViciOperation.CommandRequest, "load-shared", new ViciMessage { { "data", "geheim" }, { "owners", (string[])["geheim"] } });
        Assert.DoesNotContain("geheim", packet.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain(Convert.ToHexStringLower("geheim"u8), packet.ToString(), StringComparison.Ordinal);
    }

    static ViciMessage Tree(IEnumerable<ViciElement> elements)
    {
        ViciMessage message = [];
        foreach (var element in elements)
            message.Add(element);
        return message;
    }

    static byte[] Nested(int depth) => [.. Enumerable.Repeat((byte[])[1, 1, (byte)'s'], depth).SelectMany(b => b), .. Enumerable.Repeat((byte)2, depth)];

    static byte[] Encode(ViciMessage message)
    {
        var output = new ArrayBufferWriter<byte>();
        ViciEncoding.Write(message, output);
        return output.WrittenSpan.ToArray();
    }

    static ViciMessage Decode(byte[] bytes)
    {
        Assert.True(ViciEncoding.TryParse(bytes, out var message, out var error), error.ToString());
        return message;
    }
}
