using System.Text.Json;
using Kuguru.Crypto;
using Org.BouncyCastle.Crypto.Agreement;
using Xunit;

namespace Kuguru.Tests.Crypto;

public class KeyExchangeTests
{
    public static TheoryData<KeyExchangeMethod> Methods => [.. Supported.KeyExchange];

    [Theory, MemberData(nameof(Methods))]
    public void Both_sides_get_the_same_secret(KeyExchangeMethod method)
    {
        using var initiator = KeyExchange.Start(method, new SeededDice(1));
        Assert.True(KeyExchange.TryAnswer(method, new SeededDice(2), initiator.PublicValue, out var answer, out var theirs, out var fault));
        Assert.Equal(PublicValueFault.None, fault);
        Assert.True(initiator.TryDerive(answer, out var ours, out _));
        Assert.True(ours.Equals(theirs));
        Assert.Equal(KeyExchange.PublicLength(method), initiator.PublicValue.Length);
        Assert.NotEqual(initiator.PublicValue, answer);
        Assert.True(ours.Span.ContainsAnyExcept((byte)0));
    }

    [Theory, MemberData(nameof(Methods))]
    public void The_same_dice_give_the_same_public_value(KeyExchangeMethod method)
    {
        using var one = KeyExchange.Start(method, new SeededDice(5));
        using var two = KeyExchange.Start(method, new SeededDice(5));
        using var other = KeyExchange.Start(method, new SeededDice(6));
        Assert.Equal(one.PublicValue, two.PublicValue);
        Assert.NotEqual(one.PublicValue, other.PublicValue);
    }

    [Theory, MemberData(nameof(Methods))]
    public void A_public_value_of_another_length_is_refused(KeyExchangeMethod method)
    {
        using var exchange = KeyExchange.Start(method, new SeededDice(1));
        foreach (var length in (int[])[0, 1, exchange.PublicValue.Length - 1, exchange.PublicValue.Length + 1])
            AssertRefused(exchange, new byte[length], PublicValueFault.WrongLength);
    }

    [Theory, MemberData(nameof(Methods))]
    public void Random_octets_of_the_right_length_never_throw(KeyExchangeMethod method)
    {
        var dice = new SeededDice(11);
        using var exchange = KeyExchange.Start(method, dice);
        for (var i = 0; i < 5; i++)
        {
            var accepted = exchange.TryDerive(dice.Bytes(exchange.PublicValue.Length), out var shared, out var fault);
            Assert.Equal(accepted, fault == PublicValueFault.None);
            Assert.Equal(accepted, shared is not null);
        }
    }

    [Theory]
    [InlineData(KeyExchangeMethod.Modp1024)]
    [InlineData(KeyExchangeMethod.Modp1536)]
    [InlineData(KeyExchangeMethod.Modp2048)]
    [InlineData(KeyExchangeMethod.Modp8192)]
    public void MODP_values_at_the_ends_of_the_range_are_refused(KeyExchangeMethod method)
    {
        using var exchange = KeyExchange.Start(method, new SeededDice(1));
        var length = exchange.PublicValue.Length;
        var group = method switch
        {
            KeyExchangeMethod.Modp1024 => DHStandardGroups.rfc2409_1024,
            KeyExchangeMethod.Modp1536 => DHStandardGroups.rfc3526_1536,
            KeyExchangeMethod.Modp2048 => DHStandardGroups.rfc3526_2048,
            _ => DHStandardGroups.rfc3526_8192,
        };
        var prime = group.P.ToByteArrayUnsigned();
        byte[] Small(byte value) => [.. new byte[length - 1], value];
        byte[] PrimeLess(byte value) => [.. prime[..^1], (byte)(prime[^1] - value)];

        foreach (var bad in (byte[][])[Small(0), Small(1), PrimeLess(1), PrimeLess(0), [.. Enumerable.Repeat((byte)0xff, length)]])
            AssertRefused(exchange, bad, PublicValueFault.OutOfRange);
        Assert.True(exchange.TryDerive(Small(2), out var own, out _));
        Assert.Equal(exchange.PublicValue.ToArray(), own.Span.ToArray());
        Assert.True(exchange.TryDerive(PrimeLess(2), out _, out _));
    }

    [Theory]
    [InlineData(KeyExchangeMethod.Ecp256)]
    [InlineData(KeyExchangeMethod.Ecp384)]
    [InlineData(KeyExchangeMethod.Ecp521)]
    public void ECP_values_that_are_no_point_are_refused(KeyExchangeMethod method)
    {
        using var exchange = KeyExchange.Start(method, new SeededDice(1));
        var good = exchange.PublicValue.ToArray();
        byte[] flipped = [.. good[..^1], (byte)(good[^1] ^ 1)];
        AssertRefused(exchange, flipped, PublicValueFault.NotOnCurve);
        AssertRefused(exchange, new byte[good.Length], PublicValueFault.NotOnCurve);
        AssertRefused(exchange, [.. Enumerable.Repeat((byte)0xff, good.Length)], PublicValueFault.OutOfRange);
    }

    [Fact]
    public void Curve25519_points_of_small_order_are_refused()
    {
        using var exchange = KeyExchange.Start(KeyExchangeMethod.Curve25519, new SeededDice(1));
        AssertRefused(exchange, new byte[32], PublicValueFault.SmallOrder);
        AssertRefused(exchange, [1, .. new byte[31]], PublicValueFault.SmallOrder);
    }

    [Fact]
    public void RFC_5903_agrees()
    {
        foreach (var test in Given.Cases(Vectors.Json("rfc/rfc5903_ecp-groups.json")))
            AssertExchange((KeyExchangeMethod)test.GetProperty("group").GetInt32(), test);
    }

    [Fact]
    public void Published_exchanges_agree()
    {
        var count = 0;
        foreach (var test in Given.Cases(Vectors.SharedJson("crypto/key-exchange.json")))
        {
            var name = test.Text("method").Replace("_BIT", "", StringComparison.Ordinal);
            var method = Supported.KeyExchange.Where(m => m.Name() == name).ToArray();
            if (method.Length == 0)
                continue;
            AssertExchange(method[0], test);
            count++;
        }
        Assert.Equal(10, count);
    }

    [Fact]
    public void NIST_X25519_agrees()
    {
        var count = 0;
        foreach (var @group in Vectors.Json("acvp/XECDH-SSC-RFC7748.json").GetProperty("testGroups").EnumerateArray())
        {
            if (@group.Text("curve") != "Curve25519")
                continue;
            foreach (var test in @group.GetProperty("tests").EnumerateArray())
            {
                using var own = KeyExchange.WithPrivateValue(KeyExchangeMethod.Curve25519, test.Hex("privateIut"));
                Assert.Equal(test.Hex("publicIut"), own.PublicValue.ToArray());
                Assert.True(own.TryDerive(test.Hex("publicServer"), out var shared, out _));
                Assert.Equal(test.Hex("z"), shared.Span.ToArray());
                count++;
            }
        }
        Assert.Equal(25, count);
    }

    [Fact]
    public void NIST_MODP_2048_agrees()
    {
        var groups = Vectors.Json("acvp/safePrimes-keyGen-1.0.json").GetProperty("testGroups").EnumerateArray();
        var count = 0;
        foreach (var test in groups.Single(g => g.Text("safePrimeGroup") == "MODP-2048").GetProperty("tests").EnumerateArray())
        {
            using var own = KeyExchange.WithPrivateValue(KeyExchangeMethod.Modp2048, test.Hex("x"));
            Assert.Equal(test.Hex("y"), own.PublicValue.ToArray());
            count++;
        }
        Assert.Equal(3, count);
    }

    [Fact]
    public void Wycheproof_X25519_agrees_and_only_a_zero_secret_is_refused()
    {
        foreach (var test in Given.Tests(Vectors.Json("wycheproof/x25519_test.json")))
        {
            using var own = KeyExchange.WithPrivateValue(KeyExchangeMethod.Curve25519, test.Hex("private"));
            var expected = test.Hex("shared");
            var accepted = own.TryDerive(test.Hex("public"), out var shared, out var fault);
            Assert.Equal(expected.Any(b => b != 0), accepted);
            Assert.Equal(accepted ? PublicValueFault.None : PublicValueFault.SmallOrder, fault);
            if (accepted)
                Assert.Equal(expected, shared!.Span.ToArray());
        }
    }

    [Theory]
    [InlineData("secp256r1", KeyExchangeMethod.Ecp256)]
    [InlineData("secp384r1", KeyExchangeMethod.Ecp384)]
    [InlineData("secp521r1", KeyExchangeMethod.Ecp521)]
    public void Wycheproof_ECDH_agrees(string curve, KeyExchangeMethod method)
    {
        var (valid, invalid) = (0, 0);
        foreach (var test in Given.Tests(Vectors.Json($"wycheproof/ecdh_{curve}_ecpoint_test.json")))
        {
            // 0x04 | x | y is the encoding that IKE has without its first octet; what is encoded otherwise (compressed) has another length.
            var point = test.Hex("public");
            if (point is not [4, .. var xy])
                continue;
            using var own = KeyExchange.WithPrivateValue(method, PrivateValue(test, method));
            var accepted = own.TryDerive(xy, out var shared, out _);
            Assert.Equal(test.Text("result") == "valid", accepted);
            if (accepted)
                Assert.Equal(test.Hex("shared"), shared!.Span.ToArray());
            _ = accepted ? valid++ : invalid++;
        }
        Assert.True(valid > 200 && invalid > 10, $"{valid} valid, {invalid} invalid");
    }

    [Fact]
    public void One_that_is_not_ours_is_not_supported()
    {
        Assert.False(KeyExchange.IsSupported(KeyExchangeMethod.Modp768));
        Assert.False(KeyExchange.IsSupported(KeyExchangeMethod.None));
        Assert.Throws<NotSupportedException>(() => KeyExchange.Start(KeyExchangeMethod.MlKem768, new SeededDice(1)));
    }

    [Fact]
    public void After_Dispose_it_derives_nothing()
    {
        var exchange = KeyExchange.Start(KeyExchangeMethod.Curve25519, new SeededDice(1));
        exchange.Dispose();
        Assert.Throws<ObjectDisposedException>(() => exchange.TryDerive(exchange.PublicValue, out _, out _));
    }

    static void AssertExchange(KeyExchangeMethod method, JsonElement test)
    {
        using var initiator = KeyExchange.WithPrivateValue(method, test.Hex("priv_i"));
        using var responder = KeyExchange.WithPrivateValue(method, test.Hex("priv_r"));
        Assert.Equal(test.Hex("ke_i"), initiator.PublicValue.ToArray());
        Assert.Equal(test.Hex("ke_r"), responder.PublicValue.ToArray());
        Assert.True(initiator.TryDerive(responder.PublicValue, out var one, out _));
        Assert.True(responder.TryDerive(initiator.PublicValue, out var two, out _));
        Assert.Equal(test.Hex("shared"), one.Span.ToArray());
        Assert.Equal(test.Hex("shared"), two.Span.ToArray());
    }

    static void AssertRefused(KeyExchange exchange, byte[] value, PublicValueFault expected)
    {
        Assert.False(exchange.TryDerive(value, out var shared, out var fault));
        Assert.Null(shared);
        Assert.Equal(expected, fault);
    }

    // Wycheproof writes scalars as signed or short integers.
    static byte[] PrivateValue(JsonElement test, KeyExchangeMethod method)
    {
        var length = KeyExchange.PublicLength(method) / 2;
        var value = test.Hex("private").AsSpan().TrimStart((byte)0);
        return [.. new byte[length - value.Length], .. value];
    }
}
