using System.Text.Json;
using Kuguru.Nat;
using Kuguru.Wire;
using Kuguru.Wire.V2;
using Xunit;
using static Kuguru.Wire.V2.Payload;

namespace Kuguru.Tests.Wire.V2;

/// <summary>Messages of other implementations, and what other dissectors say is in them.</summary>
public class CaptureTests
{
    [Theory]
    [InlineData("zeek-spicy-ipsec/ipsec_client.pcap", 5)]
    [InlineData("tcpdump/ikev2four.pcap", 21)]
    [InlineData("tcpdump/ikev2pI2.pcap", 2)]
    public void A_capture_decodes_as_its_index_and_tshark_say(string name, int messages) =>
        DecodesAsStated(Vectors.Json($"{name}.json"), Vectors.Json($"{name}.tshark.json"), messages);

    [Theory]
    [InlineData("ndpi_esp.pcapng", 4)]
    [InlineData("suricata_IKEv2_SA_INIT_2-8-weak.pcap", 1)]
    public void A_capture_that_is_not_ours_to_copy_decodes_as_its_index_and_tshark_say(string name, int messages) =>
        DecodesAsStated(Vectors.SharedJson($"captures/{name}.json"), Vectors.SharedJson($"captures/{name}.tshark.json"), messages);

    static void DecodesAsStated(JsonElement index, JsonElement tshark, int expected)
    {
        var capture = new Capture(index);
        foreach (var (message, header) in capture.Ike("2.0"))
            HeaderIsAsStated(message, header);
        var messages = capture.Ike("2.0").Select(ike => ike.Message).Concat(capture.Reassembled().Select(Unmarked)).ToList();
        var dissections = Dissection.Of(tshark).ToList();
        Assert.Equal(expected, messages.Count);
        Assert.Equal(expected, dissections.Count);
        foreach (var (bytes, seen) in messages.Zip(dissections))
        {
            Assert.True(IkeMessage.TryParse(bytes, out var message, out var error), error.ToString());
            MessageIsAsSeen(message, seen);
            // Openswan marks even SA as critical; we remember that bit of no payload that we know.
            if (seen.Numbers("isakmp.criticalpayload").All(bit => bit == 0))
                Assert.Equal(bytes, message.Write());
        }
    }

    static byte[] Unmarked(byte[] datagram)
    {
        Assert.Equal(Port4500.Ike, Demux.Classify(datagram));
        return NonEspMarker.Strip(datagram).ToArray();
    }

    static void HeaderIsAsStated(byte[] message, JsonElement stated)
    {
        Assert.True(IkeHeader.TryRead(message, out var header));
        Assert.Equal(stated.GetProperty("init_spi").GetString(), header.InitiatorSpi.ToString());
        Assert.Equal(stated.GetProperty("resp_spi").GetString(), header.ResponderSpi.ToString());
        Assert.Equal(stated.GetProperty("next_payload").GetInt32(), (int)header.FirstPayload);
        Assert.Equal(stated.GetProperty("version").GetString(), $"{header.MajorVersion}.{header.MinorVersion}");
        Assert.Equal(stated.GetProperty("exchange_type").GetInt32(), (int)header.Exchange);
        Assert.Equal(stated.GetProperty("flags").GetInt32(), (int)header.Flags);
        Assert.Equal(stated.GetProperty("message_id").GetString(), header.MessageId.Value.ToString("x8"));
        Assert.Equal(stated.GetProperty("length").GetInt64(), header.Length);
    }

    static void MessageIsAsSeen(IkeMessage message, Dissection seen)
    {
        if (message.Encrypted is { } encrypted)
        {
            // What is inside has been decrypted by tshark where it had keys: only the outside is compared here.
            Assert.Equal(seen.Payloads.First(), (int)encrypted.Type);
            Assert.Equal(seen.Numbers("isakmp.payloadlength").First(), encrypted.Body.Length + 4);
            return;
        }
        Assert.Equal(seen.Payloads, message.Payloads.Select(payload => (int)payload.Type));
        var proposals = message.All<SA>().SelectMany(sa => sa.Proposals).ToList();
        var transforms = proposals.SelectMany(proposal => proposal.Transforms).ToList();
        Assert.Equal(seen.Numbers("isakmp.prop.number"), proposals.Select(proposal => (int)proposal.Number));
        Assert.Equal(seen.Numbers("isakmp.prop.protoid"), proposals.Select(proposal => (int)proposal.Protocol));
        Assert.Equal(seen.Numbers("isakmp.prop.transforms"), proposals.Select(proposal => proposal.Transforms.Count));
        Assert.Equal(seen.Numbers("isakmp.tf.type"), transforms.Select(transform => (int)transform.Type));
        Assert.Equal(seen.Numbers("isakmp.tf.id.*"), transforms.Select(transform => (int)transform.Id));
        Assert.Equal(seen.Numbers("isakmp.ike2.attr.key_length"), transforms.Where(t => t.KeyLength is not null).Select(t => (int)t.KeyLength!));
        Assert.Equal(seen.Numbers("isakmp.key_exchange.dh_group"), message.All<KE>().Select(ke => (int)ke.Group));
        Assert.Equal(seen.Octets("isakmp.key_exchange.data"), message.All<KE>().Select(ke => ke.Data));
        Assert.Equal(seen.Octets("isakmp.nonce"), message.All<Nonce>().Select(nonce => nonce.Data));
        Assert.Equal(seen.Numbers("isakmp.notify.msgtype"), message.All<Notify>().Select(notify => (int)notify.Kind));
        Assert.Equal(seen.Octets("isakmp.notify.data").Where(data => !data.IsEmpty), message.All<Notify>().Where(n => !n.Data.IsEmpty).Select(n => n.Data));
        Assert.Equal(seen.Octets("isakmp.vid_bytes"), message.All<VendorId>().Select(vendor => vendor.Data));
    }

    [Fact]
    public void The_decrypted_IKE_AUTH_of_Openswan_holds_IDi_and_AUTH()
    {
        var plain = Vectors.Json("tcpdump/ikev2pI2.decrypted.json");
        var padded = Capture.Octets(plain, "plaintext_with_padding");
        var inner = padded[..^(plain.GetProperty("pad_length").GetInt32() + 1)];
        var first = (PayloadType)plain.GetProperty("first_inner_payload").GetInt32();
        Assert.True(TryReadChain(first, inner, out var payloads, out var error), error.ToString());
        Assert.Equal([new IDi(IdType.Fqdn, "west"u8.ToArray()), new Auth(AuthMethod.RsaSignature, new byte[192])], payloads);
    }

    [Fact]
    public void The_packets_of_ike_scan_decode()
    {
        var packets = Vectors.SharedJson("captures/ike-scan-packets.json").GetProperty("vectors").EnumerateArray()
            .ToDictionary(packet => packet.GetProperty("name").GetString()!, packet => Capture.Octets(packet, "udp_payload"));
        Assert.Equal("IKE_SA_INIT request 0 { SA, KEi, Ni }", Parsed(packets["pkt-ikev2.dat"]).ToString());
        Assert.Equal("IKE_SA_INIT response 0 { SA, KEr, Nr }", Parsed(packets["pkt-v2-sainit-response.dat"]).ToString());
        Assert.Equal("IKE_SA_INIT response 0 { N(NO_PROPOSAL_CHOSEN) }", Parsed(packets["pkt-v2-notify-response.dat"]).ToString());
        foreach (var (name, bytes) in packets.Where(packet => !packet.Key.Contains("v2", StringComparison.Ordinal)))
        {
            var message = Demux.Classify(bytes) == Port4500.Ike ? NonEspMarker.Strip(bytes) : bytes;
            Assert.False(IkeMessage.TryParse(message, out _, out var error), name);
            Assert.Equal(ParseErrorKind.MajorVersion, error.Kind);
        }
    }

    static IkeMessage Parsed(byte[] bytes)
    {
        Assert.True(IkeMessage.TryParse(bytes, out var message, out var error), error.ToString());
        return message;
    }

    [Fact]
    public void An_ID_shorter_than_its_address_with_octets_behind_the_last_payload_is_refused()
    {
        var (message, header) = new Capture(Vectors.Json("tcpdump/ikev2-id-normal.pcap.json")).Ike("2.0").Single();
        HeaderIsAsStated(message, header);
        Assert.False(IkeMessage.TryParse(message, out _, out var error));
        Assert.Equal(new ParseError(ParseErrorKind.Trailing, 28 + 9, PayloadType.IDi), error);
    }

    [Theory]
    [InlineData("zeek-spicy-ipsec/ipsec-ikev1-zero-length.pcap")]
    [InlineData("tcpdump/isakmp-pointer-loop.pcap")]
    [InlineData("tcpdump/isakmp-no-none-np.pcapng")]
    public void A_malformed_message_of_IKEv1_is_refused_by_its_version_and_as_IKEv2_by_its_length(string name)
    {
        var (message, header) = new Capture(Vectors.Json($"{name}.json")).Ike("1.0").Single();
        HeaderIsAsStated(message, header);
        Assert.False(IkeMessage.TryParse(message, out _, out var error));
        Assert.Equal(ParseErrorKind.MajorVersion, error.Kind);
        message[17] = 0x20;
        Assert.False(IkeMessage.TryParse(message, out _, out error));
        Assert.Equal(ParseErrorKind.LengthMismatch, error.Kind);
    }

    [Theory]
    [InlineData("tcpdump/isakmp-ikev1_n_print-oobr.pcap")]
    [InlineData("tcpdump/isakmp-rfc3948-oobr.pcap")]
    public void Nothing_in_a_capture_of_noise_is_a_message(string name)
    {
        foreach (var frame in new Capture(Vectors.Json($"{name}.json")).Frames)
        {
            var octets = frame.EnumerateObject().Where(field => field.Name is "frame" or "ip_packet" or "udp_payload");
            foreach (var bytes in octets.Select(field => Convert.FromHexString(field.Value.GetString()!)))
            {
                Assert.False(IkeMessage.TryParse(bytes, out _, out var error));
                Assert.NotEqual(ParseErrorKind.None, error.Kind);
            }
        }
    }
}
