using System.Collections.Immutable;
using Kuguru.Crypto;
using Kuguru.Wire;
using Kuguru.Wire.V1;

namespace Kuguru.Ike.V1;

/// <summary>What was chosen for an ISAKMP SA.</summary>
/// <param name="Suite">Its hash is that of PRF and INTEG alike.</param>
/// <param name="Method">How both sides authenticate.</param>
/// <param name="Life">How long it may live, as far as the proposal says.</param>
/// <param name="Answer">The payload that says so: the chosen transform as it was offered.</param>
sealed record IkeChoice(IkeSuite Suite, OakleyMethod Method, TimeSpan? Life, Payload.SA Answer);

/// <summary>How long an SA may be used: what one side proposes.</summary>
readonly record struct Life(TimeSpan? Time, ulong? Kilobytes);

/// <summary>What was chosen for a child.</summary>
/// <param name="Suite">Algorithms of ESP or AH.</param>
/// <param name="KeyExchange">The group of perfect forward secrecy, or None.</param>
/// <param name="Mode">Tunnel or transport, in UDP or not.</param>
/// <param name="Life">As proposed.</param>
/// <param name="Spi">Of whoever sent the proposal.</param>
/// <param name="Proposal">The one that was chosen from, with the chosen transform alone.</param>
sealed record ChildChoice(ChildSuite Suite, KeyExchangeMethod KeyExchange, EncapsulationMode Mode, Life Life, Spi Spi, Proposal Proposal);

/// <summary>
/// SA payloads (RFC 2409 appendix A, RFC 2407 section 4.5). A transform names one algorithm of each kind, so a configured proposal is as many transforms as
/// it has combinations; the most preferred come first, and no more than <see cref="MaxTransforms"/> are sent. Combined modes are for ESP only.
/// </summary>
static class Proposals
{
    const int MaxTransforms = 32;
    const byte KeyIke = 1;

    /// <summary>A cipher with keys of several lengths has this one when the attribute is missing.</summary>
    const uint DefaultKeyBits = 128;

    /// <summary>What we offer in phase 1.</summary>
    public static Payload.SA OfferIke(ImmutableArray<AlgorithmSet> sets, OakleyMethod method, TimeSpan life, KeyExchangeMethod? only = null)
    {
        var suites = sets.SelectMany(set => SuitesOf(set)).Where(suite => only is null || suite.KeyExchange == only).Distinct().Take(MaxTransforms);
        var transforms = suites.Select((suite, i) => new Transform((byte)(i + 1), KeyIke, Attributes(suite, method, life).ToSequence()));
        return new([new Proposal(1, IsakmpProtocol.Isakmp, Blob.Empty, transforms.ToSequence())]);
    }

    /// <summary>The group of the first suite that can be offered; None when no proposal fits IKEv1.</summary>
    public static KeyExchangeMethod FirstGroup(ImmutableArray<AlgorithmSet> sets) =>
        sets.SelectMany(SuitesOf).Select(suite => suite.KeyExchange).FirstOrDefault(KeyExchangeMethod.None);

    /// <summary>
    /// The offered transform that is closest to the head of our proposals and has one of these methods; null if there is none. Also the peer's answer is read
    /// so, which has one transform.
    /// </summary>
    public static IkeChoice? ChooseIke(ImmutableArray<AlgorithmSet> sets, Payload.SA offered, Func<OakleyMethod, bool> allows)
    {
        foreach (var suite in sets.SelectMany(SuitesOf))
        {
            foreach (var proposal in offered.Proposals.Where(proposal => proposal.Protocol == IsakmpProtocol.Isakmp))
            {
                foreach (var transform in proposal.Transforms)
                {
                    if (ReadIke(transform) is { } read && read.Suite == suite && allows(read.Method))
                        return new(suite, read.Method, LifeOf(transform, (ushort)OakleyAttribute.LifeType, (ushort)OakleyAttribute.LifeDuration).Time,
                            new([proposal with { Transforms = [transform] }]));
                }
            }
        }
        return null;
    }

    /// <summary>What we offer in phase 2; <paramref name="group"/> is the one that all transforms have (RFC 2409 section 5.5).</summary>
    public static Payload.SA OfferChild(ImmutableArray<AlgorithmSet> sets, Spi spi, KeyExchangeMethod group, EncapsulationMode mode, Life life)
    {
        var proposals = new List<Proposal>();
        foreach (var suites in sets.Where(set => Takes(set, group)).SelectMany(ChildSuitesOf).GroupBy(ChildNumbers.ProtocolOf))
        {
            var transforms = suites.Distinct().Take(MaxTransforms).Select((suite, i) =>
                new Transform((byte)(i + 1), ChildNumbers.TransformOf(suite)!.Value, Attributes(suite, group, mode, life).ToSequence()));
            proposals.Add(new((byte)(proposals.Count + 1), suites.Key, spi.ToBlob(), transforms.ToSequence()));
        }
        return new(proposals.ToSequence());
    }

    /// <summary>Which group to offer: none where a proposal does without, else the ISAKMP SA's where a proposal has it, else the first.</summary>
    public static KeyExchangeMethod GroupFor(ImmutableArray<AlgorithmSet> sets, KeyExchangeMethod ofIke) =>
        sets.Any(set => Takes(set, KeyExchangeMethod.None)) ? KeyExchangeMethod.None
        : sets.Any(set => set.KeyExchange.Contains(ofIke)) ? ofIke : sets[0].KeyExchange[0];

    /// <summary>There is nothing in it for tunnel mode.</summary>
    public static bool IsTransportOnly(Payload.SA offered) => offered.Proposals.All(proposal => proposal.Transforms
        .All(transform => ReadChild(proposal.Protocol, transform) is not { } read || NatVersions.IsTransport(read.Mode)));

    /// <summary>The offered transform for this mode that is closest to the head of our proposals; null if there is none.</summary>
    public static ChildChoice? ChooseChild(ImmutableArray<AlgorithmSet> sets, Payload.SA offered, bool isTransport)
    {
        foreach (var set in sets)
        {
            foreach (var suite in ChildSuitesOf(set))
            {
                foreach (var proposal in offered.Proposals.Where(proposal => proposal.Protocol == ChildNumbers.ProtocolOf(suite) && IsAlone(proposal, offered)))
                {
                    foreach (var transform in proposal.Transforms)
                    {
                        if (Spi.From(proposal.Spi) is { IsReserved: false } spi && ReadChild(proposal.Protocol, transform) is { } read && read.Suite == suite && Takes(set, read.Group)
                            && NatVersions.IsTransport(read.Mode) == isTransport)
                            return new(suite, read.Group, read.Mode, LifeOf(transform, (ushort)IpsecAttribute.LifeType, (ushort)IpsecAttribute.LifeDuration), spi,
                                proposal with { Transforms = [transform] });
                    }
                }
            }
        }
        return null;
    }

    /// <summary>The payload that answers with this choice, under our SPI.</summary>
    public static Payload.SA Answer(ChildChoice choice, Spi inbound) => new([choice.Proposal with { Spi = inbound.ToBlob() }]);

    /// <summary>The suite is one of a configured proposal's.</summary>
    public static bool Allows(AlgorithmSet set, IkeSuite suite) =>
        set.Encryption.Contains(suite.Encryption) && set.Integrity.Contains(suite.Integrity) && set.KeyExchange.Contains(suite.KeyExchange);

    /// <summary>What was offered, as charon prints proposals, for the sentence that explains a refusal.</summary>
    public static string Describe(Payload.SA offered) => string.Join(", ", offered.Proposals.SelectMany(proposal => proposal.Transforms.Select(transform =>
        proposal.Protocol == IsakmpProtocol.Isakmp
            ? ReadIke(transform) is { } ike ? $"{ike.Suite} ({Methods.Name(ike.Method)})" : $"an IKE transform {Unknown(transform)}"
            : ReadChild(proposal.Protocol, transform) is { } esp ? $"{esp.Suite}{(esp.Group == KeyExchangeMethod.None ? "" : "/" + esp.Group.Name())}"
                : $"a transform {transform.Id} of protocol {(int)proposal.Protocol} {Unknown(transform)}")));

    static string Unknown(Transform transform) => $"({string.Join(' ', transform.Attributes.Select(a => $"{a.Type}={a.Number}"))})";

    /// <summary>All combinations of a configured proposal, those first whose parts stand at the head of their lists.</summary>
    static IEnumerable<IkeSuite> SuitesOf(AlgorithmSet set) =>
        from e in set.Encryption.Index()
        where CipherOf(e.Item.Algorithm) is not null
        from i in set.Integrity.Index()
        where HashOf(i.Item) is not null
        from g in set.KeyExchange.Index()
        where g.Item != KeyExchangeMethod.None
        orderby e.Index + i.Index + g.Index, g.Index, e.Index
        select new IkeSuite(e.Item, i.Item, PrfOf(i.Item), g.Item);

    /// <summary>Those that IKEv1 has numbers for.</summary>
    static IEnumerable<ChildSuite> ChildSuitesOf(AlgorithmSet set) =>
        (set.Kind == ProposalKind.Ah ? AhSuitesOf(set) : EspSuitesOf(set)).Where(suite => ChildNumbers.TransformOf(suite) is not null
            && (suite.Integrity == IntegrityAlgorithm.None || ChildNumbers.AuthenticationOf(suite.Integrity) is not null));

    static IEnumerable<ChildSuite> EspSuitesOf(AlgorithmSet set) =>
        from e in set.Encryption.Index()
        from i in (e.Item.IsAead ? [IntegrityAlgorithm.None] : set.Integrity).Index()
        from n in EsnOf(set).Index()
        orderby e.Index + i.Index + n.Index, e.Index
        select new EspSuite(e.Item, i.Item, n.Item);

    static IEnumerable<ChildSuite> AhSuitesOf(AlgorithmSet set) =>
        from i in set.Integrity.Index()
        from n in EsnOf(set).Index()
        orderby i.Index + n.Index, i.Index
        select new AhSuite(i.Item, n.Item);

    static ImmutableArray<ExtendedSequenceNumbers> EsnOf(AlgorithmSet set) => set.Esn.IsEmpty ? [ExtendedSequenceNumbers.No] : set.Esn;

    static bool Takes(AlgorithmSet set, KeyExchangeMethod group) => set.KeyExchange.Contains(group) || (group == KeyExchangeMethod.None && set.KeyExchange.IsEmpty);

    /// <summary>Proposals of one number belong together (AH with ESP, compression), which we do not do.</summary>
    static bool IsAlone(Proposal proposal, Payload.SA offered)
    {
        var same = 0;
        foreach (var other in offered.Proposals)
            same += other.Number == proposal.Number && other.Protocol != IsakmpProtocol.IpComp ? 1 : 0;
        return same == 1;
    }

    static IEnumerable<DataAttribute> Attributes(IkeSuite suite, OakleyMethod method, TimeSpan life) =>
    [
        DataAttribute.Of(OakleyAttribute.EncryptionAlgorithm, (uint)CipherOf(suite.Encryption.Algorithm)!),
        .. suite.Encryption.KeyBits == 0 ? [] : (DataAttribute[])[DataAttribute.Of(OakleyAttribute.KeyLength, (uint)suite.Encryption.KeyBits)],
        DataAttribute.Of(OakleyAttribute.HashAlgorithm, (uint)HashOf(suite.Integrity)!),
        DataAttribute.Of(OakleyAttribute.GroupDescription, (uint)suite.KeyExchange),
        DataAttribute.Of(OakleyAttribute.AuthenticationMethod, (uint)method),
        .. life > TimeSpan.Zero
            ? [DataAttribute.Of(OakleyAttribute.LifeType, (uint)LifeType.Seconds), DataAttribute.Of(OakleyAttribute.LifeDuration, Seconds(life))]
            : (DataAttribute[])[],
    ];

    static IEnumerable<DataAttribute> Attributes(ChildSuite suite, KeyExchangeMethod group, EncapsulationMode mode, Life life)
    {
        if (suite is EspSuite { Encryption.KeyBits: not 0 and var bits })
            yield return DataAttribute.Of(IpsecAttribute.KeyLength, (uint)bits);
        if (suite.Integrity != IntegrityAlgorithm.None)
            yield return DataAttribute.Of(IpsecAttribute.AuthenticationAlgorithm, (uint)ChildNumbers.AuthenticationOf(suite.Integrity)!);
        if (group != KeyExchangeMethod.None)
            yield return DataAttribute.Of(IpsecAttribute.GroupDescription, (uint)group);
        yield return DataAttribute.Of(IpsecAttribute.EncapsulationMode, (uint)mode);
        foreach (var attribute in Attributes(life))
            yield return attribute;
        if (suite.IsEsn)
            yield return DataAttribute.Of(IpsecAttribute.ExtendedSequenceNumber, 1);
    }

    /// <summary>How long a child may live, as phase 2 says it.</summary>
    public static IEnumerable<DataAttribute> Attributes(Life life)
    {
        if (life.Time is { } time)
        {
            yield return DataAttribute.Of(IpsecAttribute.LifeType, (uint)LifeType.Seconds);
            yield return DataAttribute.Of(IpsecAttribute.LifeDuration, Seconds(time));
        }
        if (life.Kilobytes is { } kilobytes)
        {
            yield return DataAttribute.Of(IpsecAttribute.LifeType, (uint)LifeType.Kilobytes);
            yield return DataAttribute.Of(IpsecAttribute.LifeDuration, (uint)Math.Min(kilobytes, uint.MaxValue));
        }
    }

    static (IkeSuite Suite, OakleyMethod Method)? ReadIke(Transform transform)
    {
        if (transform.Id != KeyIke || CipherOf((OakleyCipher)(transform.Number32(OakleyAttribute.EncryptionAlgorithm) ?? 0)) is not { } cipher
            || IntegrityOf((OakleyHash)(transform.Number32(OakleyAttribute.HashAlgorithm) ?? 0)) is not { } integrity
            || transform.Number32(OakleyAttribute.GroupDescription) is not { } group || transform.Number32(OakleyAttribute.AuthenticationMethod) is not { } method)
            return null;
        var encryption = new Encryption(cipher, KeyBits(cipher, transform.Number32(OakleyAttribute.KeyLength)));
        return (new(encryption, integrity, PrfOf(integrity), (KeyExchangeMethod)group), (OakleyMethod)method);
    }

    static (ChildSuite Suite, KeyExchangeMethod Group, EncapsulationMode Mode)? ReadChild(IsakmpProtocol protocol, Transform transform)
    {
        var esn = transform.Number32(IpsecAttribute.ExtendedSequenceNumber) == 1 ? ExtendedSequenceNumbers.Yes : ExtendedSequenceNumbers.No;
        if ((protocol == IsakmpProtocol.Ah ? (ChildSuite?)ReadAh(transform, esn) : protocol == IsakmpProtocol.Esp ? ReadEsp(transform, esn) : null) is not { } suite)
            return null;
        return (suite, (KeyExchangeMethod)(transform.Number32(IpsecAttribute.GroupDescription) ?? 0),
            (EncapsulationMode)(transform.Number32(IpsecAttribute.EncapsulationMode) ?? (uint)EncapsulationMode.Tunnel));
    }

    static EspSuite? ReadEsp(Transform transform, ExtendedSequenceNumbers esn)
    {
        if (ChildNumbers.AlgorithmOf((EspTransform)transform.Id) is not { } algorithm)
            return null;
        var encryption = new Encryption(algorithm, KeyBits(algorithm, transform.Number32(IpsecAttribute.KeyLength)));
        var authentication = transform.Number32(IpsecAttribute.AuthenticationAlgorithm);
        return (encryption.IsAead || authentication is null ? IntegrityAlgorithm.None : ChildNumbers.IntegrityOf((EspAuthentication)authentication)) is { } integrity
            ? new(encryption, integrity, esn) : null;
    }

    /// <summary>The transform and its attribute have to say the same (RFC 2407 section 4.4.3).</summary>
    static AhSuite? ReadAh(Transform transform, ExtendedSequenceNumbers esn)
    {
        if (transform.Number32(IpsecAttribute.AuthenticationAlgorithm) is not { } authentication
            || ChildNumbers.IntegrityOf((EspAuthentication)authentication) is not { } integrity)
            return null;
        var suite = new AhSuite(integrity, esn);
        return ChildNumbers.TransformOf(suite) == transform.Id ? suite : null;
    }

    static int KeyBits(EncryptionAlgorithm algorithm, uint? told) => algorithm is EncryptionAlgorithm.Null or EncryptionAlgorithm.TripleDes
        ? 0 : (int)Math.Min(told ?? DefaultKeyBits, ushort.MaxValue);

    /// <summary>Pairs of type and duration, in the order in which they stand; the last of a type counts.</summary>
    public static Life LifeOf(IEnumerable<DataAttribute> attributes, ushort type, ushort duration)
    {
        var life = new Life();
        uint? current = null;
        foreach (var attribute in attributes)
        {
            if (attribute.Type == type)
                current = attribute.Number;
            else if (attribute.Type == duration && attribute.Number is { } number && current == (uint)LifeType.Seconds)
                life = life with { Time = TimeSpan.FromSeconds(number) };
            else if (attribute.Type == duration && attribute.Number is { } volume && current == (uint)LifeType.Kilobytes)
                life = life with { Kilobytes = volume };
        }
        return life;
    }

    static Life LifeOf(Transform transform, ushort type, ushort duration) => LifeOf(transform.Attributes, type, duration);

    static uint Seconds(TimeSpan time) => (uint)Math.Clamp(Math.Ceiling(time.TotalSeconds), 1, uint.MaxValue);

    static OakleyCipher? CipherOf(EncryptionAlgorithm algorithm) => algorithm switch
    {
        EncryptionAlgorithm.AesCbc => OakleyCipher.Aes,
        EncryptionAlgorithm.TripleDes => OakleyCipher.TripleDes,
        _ => null,
    };

    static EncryptionAlgorithm? CipherOf(OakleyCipher cipher) => cipher switch
    {
        OakleyCipher.Aes => EncryptionAlgorithm.AesCbc,
        OakleyCipher.TripleDes => EncryptionAlgorithm.TripleDes,
        _ => null,
    };

    static OakleyHash? HashOf(IntegrityAlgorithm integrity) => integrity switch
    {
        IntegrityAlgorithm.HmacMd5_96 => OakleyHash.Md5,
        IntegrityAlgorithm.HmacSha1_96 => OakleyHash.Sha1,
        IntegrityAlgorithm.HmacSha2_256_128 => OakleyHash.Sha2_256,
        IntegrityAlgorithm.HmacSha2_384_192 => OakleyHash.Sha2_384,
        IntegrityAlgorithm.HmacSha2_512_256 => OakleyHash.Sha2_512,
        _ => null,
    };

    static IntegrityAlgorithm? IntegrityOf(OakleyHash hash) => hash switch
    {
        OakleyHash.Md5 => IntegrityAlgorithm.HmacMd5_96,
        OakleyHash.Sha1 => IntegrityAlgorithm.HmacSha1_96,
        OakleyHash.Sha2_256 => IntegrityAlgorithm.HmacSha2_256_128,
        OakleyHash.Sha2_384 => IntegrityAlgorithm.HmacSha2_384_192,
        OakleyHash.Sha2_512 => IntegrityAlgorithm.HmacSha2_512_256,
        _ => null,
    };

    static PseudoRandomFunction PrfOf(IntegrityAlgorithm integrity) => integrity switch
    {
        IntegrityAlgorithm.HmacMd5_96 => PseudoRandomFunction.HmacMd5,
        IntegrityAlgorithm.HmacSha1_96 => PseudoRandomFunction.HmacSha1,
        IntegrityAlgorithm.HmacSha2_256_128 => PseudoRandomFunction.HmacSha2_256,
        IntegrityAlgorithm.HmacSha2_384_192 => PseudoRandomFunction.HmacSha2_384,
        IntegrityAlgorithm.HmacSha2_512_256 => PseudoRandomFunction.HmacSha2_512,
        _ => throw new ArgumentOutOfRangeException(nameof(integrity), integrity, "no hash of IKEv1"),
    };
}
