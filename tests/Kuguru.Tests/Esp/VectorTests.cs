using System.Security.Cryptography;
using System.Text.Json;
using Kuguru.Crypto;
using Kuguru.Wire;
using Xunit;

namespace Kuguru.Tests.Esp;

/// <summary>Whole packets of other people: what they sealed, we open and hand on.</summary>
public sealed class VectorTests
{
    static readonly Dictionary<string, EncryptionAlgorithm> _ciphers = new()
    {
        ["AEAD_AES_GCM"] = EncryptionAlgorithm.AesGcm16,
        ["CIPHER_AES_CBC"] = EncryptionAlgorithm.AesCbc,
        ["CIPHER_AES_CTR"] = EncryptionAlgorithm.AesCtr,
    };

    static readonly Dictionary<string, IntegrityAlgorithm> _integrities = new()
    {
        ["AUTH_SHA256_HMAC"] = IntegrityAlgorithm.HmacSha2_256_128,
        ["AUTH_SHA384_HMAC"] = IntegrityAlgorithm.HmacSha2_384_192,
        ["AUTH_SHA512_HMAC"] = IntegrityAlgorithm.HmacSha2_512_256,
    };

    public static TheoryData<string> Names() =>
    [
        "pkt_aes_128_gcm", "pkt_aes_192_gcm", "pkt_aes_256_gcm", "pkt_aes_256_gcm_v6", "pkt_aes_128_gcm_frag",
        "pkt_aes_128_cbc_hmac_sha256", "pkt_aes_128_cbc_hmac_sha384", "pkt_aes_128_cbc_hmac_sha512", "pkt_aes_128_cbc_hmac_sha256_v6",
        "pkt_aes_128_ctr_hmac_sha256", "pkt_aes_128_ctr_hmac_sha384", "pkt_aes_128_ctr_hmac_sha512",
    ];

    [Theory]
    [MemberData(nameof(Names))]
    public void Packets_of_dpdk_come_out_as_they_went_in(string name)
    {
        var vector = Vectors.Json("dpdk/ipsec-packets.json").GetProperty("vectors").EnumerateArray().Single(v => v.GetProperty("name").GetString() == name);
        string Text(string property) => vector.GetProperty(property).GetString() ?? "";
        var algorithms = vector.GetProperty("algs").EnumerateArray().Select(a => a.GetString()!).ToArray();
        var keyBits = vector.GetProperty("key_lengths")[0].GetInt32() * 8;
        var suite = Tunnel.Suite(_ciphers[algorithms[0]], keyBits, algorithms.Length > 1 ? _integrities[algorithms[1]] : IntegrityAlgorithm.None);
        byte[] encryption = [.. Convert.FromHexString(Text("key")), .. Convert.FromHexString(Text("salt"))];
        using var keys = new EspKeys(Secret.Copy(encryption), Secret.Copy(Convert.FromHexString(Text("auth_key"))));
        byte[] inner = Convert.FromHexString(Text("input_ip_packet")), outer = Convert.FromHexString(Text("output_ip_packet"));
        Selector[] everything = [Tunnel.Prefix("0.0.0.0", 0), Tunnel.Prefix("::", 0)];
        using var end = new End();
        end.Table.Install(Tunnel.AtB(suite) with
        {
            InboundSpi = new(Convert.ToUInt32(Text("spi"), 16)),
            InboundKeys = keys,
            OuterMtu = 9000,
            Local = [.. everything],
            Remote = [.. everything],
        });
        Assert.True(IpPacket.TryRead(outer, out var ip));
        Assert.Equal(IpProtocol.Esp, ip.Protocol);
        end.Receive(outer.AsSpan(ip.TransportAt, ip.TransportLength), udp: false);
        Assert.Equal("", end.Drops);
        Assert.Equal(inner, Assert.Single(end.Written).Packet);
    }

    /// <summary>
    /// The window stands just before the packet's number, so that the high half of an ESN is inferred. Their next header is ICMP, whatever is
    /// inside, so authentic is as far as they get.
    /// </summary>
    [Fact]
    public void Packets_of_draft_mcgrew_are_authentic()
    {
        foreach (var vector in Vectors.Json("rfc/draft-mcgrew-gcm-test-01_aes-gcm-esp.json").GetProperty("vectors").EnumerateArray())
        {
            var keyBits = vector.GetProperty("key").GetString()!.Length * 4;
            using var end = Open(Tunnel.Suite(EncryptionAlgorithm.AesGcm16, keyBits, esn: vector.GetProperty("esn").GetBoolean()), vector);
            Assert.Equal("NotTunnelMode 1", end.Drops);
        }
    }

    [Fact]
    public void The_packet_of_RFC_7634_comes_out_as_it_went_in()
    {
        var vector = Vectors.Json("rfc/rfc7634_chacha20poly1305.json").GetProperty("vectors")[0];
        using var end = Open(Tunnel.Suite(EncryptionAlgorithm.ChaCha20Poly1305, 0), vector);
        Assert.Equal(Bytes(vector, "plaintext_with_trailer")[..^4], Assert.Single(end.Written).Packet);
    }

    /// <summary>
    /// AES-CBC in transport and tunnel mode (RFC 3602 section 4). Theirs have no integrity, which we never do without: an ICV is put behind. In transport mode the IP header is of our making: addresses and
    /// length are the original's; what else is in it is the outer packet's, which a socket does not tell.
    /// </summary>
    [Theory]
    [InlineData(5)]
    [InlineData(6)]
    [InlineData(7)]
    [InlineData(8)]
    public void Packets_of_RFC_3602_come_out_as_they_went_in(int number)
    {
        var vector = Vectors.Json("rfc/rfc3602_aes-cbc-esp-packets.json").GetProperty("vectors").EnumerateArray().Single(v => v.GetProperty("case").GetInt32() == number);
        var header = vector.GetProperty("original_ip_header").GetString();
        using var end = Open(Tunnel.Suite(EncryptionAlgorithm.AesCbc, 128, IntegrityAlgorithm.HmacSha2_256_128), vector, header is null ? null : TransportEnds.Between(
            IpAddress.Read(Convert.FromHexString(header).AsSpan(16, 4)), IpAddress.Read(Convert.FromHexString(header).AsSpan(12, 4))));
        Assert.Equal("", end.Drops);
        var inner = Assert.Single(end.Written).Packet;
        var payload = Bytes(vector, "payload");
        if (header is null)
        {
            Assert.Equal(payload, inner);
            return;
        }
        Assert.Equal(payload, inner[20..]);
        var original = Convert.FromHexString(header);
        Assert.Equal([.. original[..4], original[9], .. original[12..]], (byte[])[.. inner[..4], inner[9], .. inner[12..20]]);
        Assert.True(Packets.HasRightHeaderChecksum(inner));
    }

    static End Open(EspSuite suite, JsonElement vector, TransportEnds? ends = null)
    {
        byte[] salt = vector.TryGetProperty("salt", out _) ? Bytes(vector, "salt") : [];
        byte[] packet = Bytes(vector, "esp_packet"), integrity = suite.Integrity == IntegrityAlgorithm.None ? [] : Packets.Payload(32);
        using var keys = new EspKeys(Secret.Copy([.. Bytes(vector, "key"), .. salt]), Secret.Copy(integrity));
        var spi = Convert.ToUInt32(vector.GetProperty("spi").GetString(), 16);
        var anywhere = Tunnel.Prefix("0.0.0.0", 0);
        var end = new End();
        end.Table.Install(Tunnel.AtB(suite) with { InboundSpi = new(spi), InboundKeys = keys, Local = [anywhere], Remote = [anywhere], Transport = ends });
        Assert.True(end.Table.TryFind(spi, out var sa));
        sa.Replay.Accept(Sequence(vector.GetProperty("seq")) - 1);
        end.Receive([.. packet, .. integrity.Length == 0 ? [] : HMACSHA256.HashData(integrity, packet)[..16]]);
        return end;
    }

    static ulong Sequence(JsonElement number) => number.ValueKind == JsonValueKind.Number ? number.GetUInt64() : Convert.ToUInt64(number.GetString(), 16);

    static byte[] Bytes(JsonElement vector, string property) => Convert.FromHexString(vector.GetProperty(property).GetString()!);
}
