using System.Text.Json;
using Kuguru.Wire;
using Kuguru.Wire.V1;
using Xunit;
using static Kuguru.Wire.V1.Payload;

namespace Kuguru.Tests.Wire.V1;

/// <summary>IKEv1 messages of other implementations, and what tshark says is in them.</summary>
public class CaptureTests
{
    [Theory]
    [InlineData("zeek_ipsec-ikev1-isakmp-main-mode.pcap", 9)]
    [InlineData("tcpdump_ISAKMP_sa_setup.pcap", 9)]
    [InlineData("suricata_ikev1-duplicate-proposals.pcap", 1)]
    [InlineData("libreswan_01-isakmp-vid-first.pcap", 1)]
    public void A_capture_decodes_as_tshark_says(string name, int messages)
    {
        var capture = new Capture(Vectors.SharedJson($"captures/{name}.json")).Ike("1.0").ToList();
        var dissections = Dissection.Of(Vectors.SharedJson($"captures/{name}.tshark.json")).ToList();
        Assert.Equal(messages, capture.Count);
        foreach (var ((bytes, header), seen) in capture.Zip(dissections))
        {
            Assert.True(IsakmpMessage.TryParse(bytes, out var message, out var error), error.ToString());
            Assert.Equal(header.GetProperty("exchange_type").GetInt32(), (int)message.Exchange);
            Assert.Equal(header.GetProperty("message_id").GetString(), message.Id.Value.ToString("x8"));
            if (message.Encrypted is { } encrypted)
            {
                Assert.Equal(header.GetProperty("next_payload").GetInt32(), (int)encrypted.FirstInner);
                continue;
            }
            // tshark does not look behind the first payload of a private type.
            Assert.Equal(seen.Payloads, message.Payloads.Select(payload => (int)payload.Type).Take(seen.Payloads.Count()));
            Assert.Equal(seen.Octets("isakmp.nonce"), message.All<Nonce>().Select(nonce => nonce.Data));
            Assert.Equal(seen.Octets("isakmp.key_exchange.data"), message.All<KE>().Select(ke => ke.Data));
            var transforms = message.All<SA>().SelectMany(sa => sa.Proposals).SelectMany(proposal => proposal.Transforms).ToList();
            Assert.Equal(seen.Numbers("isakmp.trans.number"), transforms.Select(transform => (int)transform.Number));
            Assert.Equal(seen.Numbers("isakmp.ike.attr.type"), transforms.SelectMany(transform => transform.Attributes).Select(a => (int)a.Type));
            Assert.Equal(bytes, message.Write());
        }
    }

    [Fact]
    public void The_packets_of_ike_scan_decode_but_for_the_malformed_one()
    {
        var count = 0;
        foreach (var packet in Vectors.SharedJson("captures/ike-scan-packets.json").GetProperty("vectors").EnumerateArray())
        {
            var (name, bytes) = (packet.GetProperty("name").GetString()!, Convert.FromHexString(packet.GetProperty("udp_payload").GetString()!));
            if (name.Contains("v2", StringComparison.Ordinal))
                continue;
            if (name.Contains("natt", StringComparison.Ordinal))
                bytes = bytes[4..];
            var parsed = IsakmpMessage.TryParse(bytes, out var message, out _);
            Assert.True(parsed != name.Contains("malformed", StringComparison.Ordinal), name);
            // Of one, every reserved octet is 0xFF, which nobody remembers.
            Assert.True(message is null || name.Contains("custom", StringComparison.Ordinal) || message.Write().SequenceEqual(bytes), name);
            count++;
        }
        Assert.Equal(11, count);
    }

    [Theory]
    [InlineData("tcpdump/isakmp-ikev1_n_print-oobr.pcap")]
    [InlineData("tcpdump/isakmp-no-none-np.pcapng")]
    [InlineData("tcpdump/isakmp-pointer-loop.pcap")]
    [InlineData("zeek-spicy-ipsec/ipsec-ikev1-zero-length.pcap")]
    public void What_once_made_others_read_beyond_the_end_is_refused_or_read(string name)
    {
        foreach (var frame in new Capture(Vectors.Json($"{name}.json")).Frames)
        {
            if (frame.TryGetProperty("udp_payload", out var payload) && payload.ValueKind == JsonValueKind.String
                && !IsakmpMessage.TryParse(Convert.FromHexString(payload.GetString()!), out _, out var error))
                Assert.NotEqual(ParseErrorKind.None, error.Kind);
        }
    }
}
