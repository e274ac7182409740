using Kuguru.Crypto;
using Kuguru.Engine;
using Kuguru.Pki;
using Kuguru.Wire;
using Kuguru.Wire.V2;
using Xunit;
using static Kuguru.Tests.Clients.Talk;

namespace Kuguru.Tests.Clients;

/// <summary>OpenBSD's iked as a road warrior: <c>from dynamic to any ... request address any iface lo1</c> (its source, ikev2_add_ts_payload).</summary>
public class OpenIkedStories
{
    [Theory]
    [InlineData("0.0.0.0/32", "10.3.0.1/32")]
    [InlineData("::/128", null)]
    public void What_it_calls_dynamic_is_the_address_that_it_is_given(string asked, string? given)
    {
        var gateway = new Gateway();
        using var iked = new ScriptedClient(gateway);
        iked.Begin(KeyExchangeMethod.Ecp256);
        iked.Init(ForIke("default"), iked.KE, iked.Ni, iked.NatSource, iked.NatDestination, N(NotifyType.SignatureHashAlgorithms, "000200030004"));
        var user = Gateway.Devices.Issue("bob@example.org", "ecdsa256");
        var (spi, id) = (iked.NewEspSpi(), new Payload.IDi(IdType.Rfc822Addr, "bob@example.org"u8.ToArray()));
        var answer = iked.Auth([id, new Payload.Cert(CertEncoding.X509Signature, user.Certificate.Der),
            iked.Sign(user.Keys.Private, SignatureScheme.All.Single(one => $"{one}" == "ECDSA_WITH_SHA256_DER"), AuthMethod.DigitalSignature, id),
            Request(1, 3), ForEsp(spi, "default"), TSi(asked), TSr("0.0.0.0/0", "::/0")]);
        Assert.Equal(given, answer.Find<Payload.TSi>() is { } selectors ? Text(selectors) : null);
        Assert.Equal(given is null, answer.Has(NotifyType.TsUnacceptable));
        if (given is null)
            return;

        // It asks in the same words when it wants new keys.
        var fresh = iked.NewEspSpi();
        iked.Begin(KeyExchangeMethod.Ecp256);
        answer = iked.Ask(ExchangeType.CreateChildSa, new Payload.Notify(ProtocolId.Esp, spi.ToBlob(), NotifyType.RekeySa, Blob.Empty),
            ForEsp(fresh, "aes128gcm16"), iked.Ni, TSi(asked), TSr("0.0.0.0/0", "::/0"));
        Assert.Equal(given, Text(answer.Find<Payload.TSi>()!));
        iked.Ask(ExchangeType.Informational, new Payload.Delete(ProtocolId.Esp, [spi]));

        // And in its answers, when the gateway begins.
        var next = iked.NewEspSpi();
        iked.Answers = request => request.Exchange == ExchangeType.CreateChildSa
            ? [ForEsp(next, "aes128gcm16"), iked.Ni, new Payload.TSi(request.Find<Payload.TSi>()!.Selectors), TSr(asked)] : [];
        gateway.Order(new Order.Rekey(1, new SaFilter(Child: "all")));
        gateway.Run(TimeSpan.FromSeconds(1));
        Assert.Equal(given, $"{Assert.Single(gateway.Installed.Values, sa => sa.OutboundSpi == next).RemoteSelectors.Single()}");
        Assert.Empty(gateway.Failures);
    }
}
