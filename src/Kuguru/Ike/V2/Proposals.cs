using System.Collections.Immutable;
using Kuguru.Crypto;
using Kuguru.Wire;
using Kuguru.Wire.V2;

namespace Kuguru.Ike.V2;

/// <summary>A proposal that both sides can agree to: which of the offered ones, and one algorithm of each type.</summary>
/// <param name="Number">Of the offered proposal.</param>
/// <param name="Protocol">IKE, ESP or AH.</param>
/// <param name="Spi">What the offered proposal says, of whatever length.</param>
/// <param name="Encryption">ENCR.</param>
/// <param name="Integrity">INTEG; None with an AEAD cipher.</param>
/// <param name="Prf">PRF; of IKE SAs only, else 0.</param>
/// <param name="KeyExchange">The group, or None.</param>
/// <param name="Esn">Of ESP and AH only.</param>
public sealed record Choice(
    byte Number, ProtocolId Protocol, Blob Spi, Encryption Encryption, IntegrityAlgorithm Integrity, PseudoRandomFunction Prf, KeyExchangeMethod KeyExchange,
    ExtendedSequenceNumbers Esn)
{
    /// <summary>Additional key exchanges (RFC 9370) that the peer offers to leave out, which the answer does.</summary>
    public ImmutableArray<TransformType> LeftOut { get; init; } = [];

    public IkeSuite IkeSuite => new(Encryption, Integrity, Prf, KeyExchange);
    public ChildSuite ChildSuite => Protocol == ProtocolId.Ah ? new AhSuite(Integrity, Esn) : new EspSuite(Encryption, Integrity, Esn);
}

/// <summary>SA payloads (RFC 7296 sections 2.7 and 3.3): what we offer, what we choose, what we accept as the answer.</summary>
public static class Proposals
{
    /// <summary>Our proposals in our order. <paramref name="keyExchange"/> false leaves the groups out, as in IKE_AUTH (section 1.2).</summary>
    public static Payload.SA Offer(ImmutableArray<AlgorithmSet> sets, Blob spi, bool keyExchange = true)
    {
        var proposals = new List<Proposal>();
        foreach (var set in sets.Take(byte.MaxValue))
            proposals.Add(new Proposal((byte)(proposals.Count + 1), ProtocolOf(set.Kind), spi, Transforms(set, keyExchange).ToSequence()));
        return new(proposals.ToSequence());
    }

    /// <summary>The payload that answers with this choice, under our SPI.</summary>
    public static Payload.SA Answer(Choice choice, Blob spi, bool keyExchange = true)
    {
        var isIke = choice.Protocol == ProtocolId.Ike;
        var one = new AlgorithmSet(KindOf(choice.Protocol), choice.Protocol == ProtocolId.Ah ? [] : [choice.Encryption], choice.Integrity == IntegrityAlgorithm.None ? [] : [choice.Integrity], isIke ? [choice.Prf] : [],
            choice.KeyExchange == KeyExchangeMethod.None ? [] : [choice.KeyExchange], isIke ? [] : [choice.Esn]);
        return new([new Proposal(choice.Number, choice.Protocol, spi,
            [.. Transforms(one, keyExchange), .. choice.LeftOut.Select(type => new Transform(type, (ushort)KeyExchangeMethod.None))])]);
    }

    /// <summary>
    /// The first of our proposals that the peer offers as well, with our order of preference inside it; null if there is none.
    /// A proposal with a type of transform that we do not know, or that ours lacks, does not fit (section 3.3.6).
    /// </summary>
    public static Choice? Choose(ImmutableArray<AlgorithmSet> sets, Payload.SA offered, bool keyExchange = true)
    {
        foreach (var set in sets)
        {
            foreach (var proposal in offered.Proposals)
            {
                if (proposal.Protocol == ProtocolOf(set.Kind) && Match(set, proposal, keyExchange) is { } choice)
                    return choice;
            }
        }
        return null;
    }

    /// <summary>The peer's answer to our offer: one proposal, one transform of each type, all of which we offered; else null.</summary>
    public static Choice? Accept(ImmutableArray<AlgorithmSet> sets, Payload.SA answer, bool keyExchange = true)
    {
        if (answer.Proposals.Count != 1 || answer.Proposals[0].Transforms.GroupBy(transform => transform.Type).Any(type => type.Count() > 1))
            return null;
        return Choose(sets, answer, keyExchange);
    }

    /// <summary>The suite is one of a configured proposal's.</summary>
    public static bool Allows(AlgorithmSet set, IkeSuite suite) => set.Encryption.Contains(suite.Encryption) && set.Prf.Contains(suite.Prf)
        && (suite.Integrity == IntegrityAlgorithm.None || set.Integrity.Contains(suite.Integrity)) && set.KeyExchange.Contains(suite.KeyExchange);

    /// <summary>What was offered, as charon prints proposals, for the sentence that explains a refusal.</summary>
    public static string Describe(Payload.SA offered) =>
        string.Join(", ", offered.Proposals.Select(proposal =>
            (proposal.Protocol == ProtocolId.Ah ? "AH:" : "") + string.Join('/', proposal.Transforms.Select(Describe))));

    public static string Describe(ImmutableArray<AlgorithmSet> sets) => string.Join(", ", sets);

    static ProtocolId ProtocolOf(ProposalKind kind) => kind switch
    {
        ProposalKind.Ike => ProtocolId.Ike,
        ProposalKind.Esp => ProtocolId.Esp,
        ProposalKind.Ah => ProtocolId.Ah,
    };

    static ProposalKind KindOf(ProtocolId protocol) =>
        protocol == ProtocolId.Ike ? ProposalKind.Ike : protocol == ProtocolId.Ah ? ProposalKind.Ah : ProposalKind.Esp;

    static IEnumerable<Transform> Transforms(AlgorithmSet set, bool keyExchange)
    {
        foreach (var encryption in set.Encryption)
            yield return new(TransformType.Encryption, (ushort)encryption.Algorithm, encryption.KeyBits == 0 ? null : (ushort)encryption.KeyBits);
        foreach (var integrity in set.Integrity)
            yield return new(TransformType.Integrity, (ushort)integrity);
        foreach (var prf in set.Prf)
            yield return new(TransformType.Prf, (ushort)prf);
        foreach (var group in keyExchange ? set.KeyExchange : [])
            yield return new(TransformType.KeyExchange, (ushort)group);
        if (set.Kind == ProposalKind.Ike)
            yield break;
        foreach (var esn in set.Esn.IsEmpty ? [ExtendedSequenceNumbers.No] : set.Esn)
            yield return new(TransformType.ExtendedSequenceNumbers, (ushort)esn);
    }

    /// <summary>What helps where nothing offered is acceptable; <paramref name="key"/> is where our proposals are configured.</summary>
    public static string Remedy(Payload.SA offered, string key) =>
        !offered.Proposals.IsEmpty && offered.Proposals.All(proposal => Additional(proposal).Any(type => !IsOptional(type, proposal)))
            ? "it insists on additional key exchanges (RFC 9370), which are not supported: there, add a proposal without them, or keN_none"
            : offered.Proposals.SelectMany(proposal => Offered(proposal, TransformType.KeyExchange)).ToList() is { Count: > 0 } groups
                && !groups.Any(group => Supported.KeyExchange.Concat(Supported.WeakKeyExchange).Contains((KeyExchangeMethod)group))
            ? "none of its key exchanges is supported: there, add one of ours"
            : $"add one of its to '{key}'";

    static Choice? Match(AlgorithmSet set, Proposal proposal, bool keyExchange)
    {
        ImmutableArray<TransformType> additional = [.. Additional(proposal)];
        if (proposal.Transforms.Any(transform => !IsOurs(transform.Type, set.Kind) && !additional.Contains(transform.Type))
            || additional.Any(type => !IsOptional(type, proposal)))
            return null;
        if (!TryPick(set.Encryption, Offered(proposal, TransformType.Encryption), encryption => Fits(encryption, proposal), out var encryption))
            return null;
        var integrities = encryption.IsAead ? [] : set.Integrity;
        if (!TryPick(integrities, Offered(proposal, TransformType.Integrity), id => (ushort)id, out var integrity)
            || !TryPick(set.Prf, Offered(proposal, TransformType.Prf), id => (ushort)id, out var prf))
            return null;
        var group = KeyExchangeMethod.None;
        if (keyExchange && !TryPick(set.KeyExchange, Offered(proposal, TransformType.KeyExchange), id => (ushort)id, out group))
            return null;
        var esns = set.Kind == ProposalKind.Ike ? [] : set.Esn.IsEmpty ? [ExtendedSequenceNumbers.No] : set.Esn;
        if (!TryPick(esns, Offered(proposal, TransformType.ExtendedSequenceNumbers), id => (ushort)id, out var esn))
            return null;
        return new(proposal.Number, proposal.Protocol, proposal.Spi, encryption, integrity, prf, group, esn) { LeftOut = additional };
    }

    static IEnumerable<TransformType> Additional(Proposal proposal) => proposal.Transforms.Select(transform => transform.Type)
        .Where(type => type is >= TransformType.AdditionalKeyExchange1 and <= TransformType.AdditionalKeyExchange7).Distinct();

    /// <summary>NONE is among the methods of an additional key exchange: it may be left out (RFC 9370 section 2.2.2).</summary>
    static bool IsOptional(TransformType additional, Proposal proposal) => Offered(proposal, additional).Contains((ushort)KeyExchangeMethod.None);

    static bool IsOurs(TransformType type, ProposalKind kind) => type switch
    {
        TransformType.Encryption => kind != ProposalKind.Ah,
        TransformType.Integrity or TransformType.KeyExchange => true,
        TransformType.Prf => kind == ProposalKind.Ike,
        TransformType.ExtendedSequenceNumbers => kind != ProposalKind.Ike,
        _ => false,
    };

    /// <summary>The numbers offered of one type, without transforms that carry an attribute which we do not understand (section 3.3.6).</summary>
    static List<ushort> Offered(Proposal proposal, TransformType type) =>
    [
        .. proposal.Transforms.Where(transform => transform.Type == type && (type == TransformType.Encryption || transform.Attributes.IsEmpty))
            .Select(transform => transform.Id),
    ];

    /// <summary>The number of a cipher, if it is offered with this length of key; an absent length is that of a cipher which has only one.</summary>
    static ushort? Fits(Encryption encryption, Proposal proposal)
    {
        foreach (var transform in proposal.Transforms)
        {
            if (transform.Type == TransformType.Encryption && transform.Id == (ushort)encryption.Algorithm && (transform.KeyLength ?? 0) == encryption.KeyBits
                && transform.Attributes.Count == (transform.KeyLength is null ? 0 : 1))
                return transform.Id;
        }
        return null;
    }

    /// <summary>
    /// The first of ours that is offered. Where we have none of a type, neither may the peer insist on one; NONE, number 0, is the same as nothing.
    /// </summary>
    static bool TryPick<T>(ImmutableArray<T> ours, List<ushort> offered, Func<T, ushort?> number, out T picked) where T : struct
    {
        picked = default;
        foreach (var one in ours)
        {
            if (number(one) is { } id && (offered.Contains(id) || (id == 0 && offered.Count == 0)))
            {
                picked = one;
                return true;
            }
        }
        return ours.IsEmpty && (offered.Count == 0 || offered.Contains(0));
    }

    static string Describe(Transform transform) => transform.Type switch
    {
        TransformType.Encryption => new Encryption((EncryptionAlgorithm)transform.Id, transform.KeyLength ?? 0).ToString(),
        TransformType.Integrity => ((IntegrityAlgorithm)transform.Id).Name(),
        TransformType.Prf => ((PseudoRandomFunction)transform.Id).Name(),
        TransformType.KeyExchange => ((KeyExchangeMethod)transform.Id).Name(),
        TransformType.ExtendedSequenceNumbers => ((ExtendedSequenceNumbers)transform.Id).Name(),
        >= TransformType.AdditionalKeyExchange1 and <= TransformType.AdditionalKeyExchange7 => $"KE{transform.Type - TransformType.AdditionalKeyExchange1 + 1}_"
            + (transform.Id == (ushort)KeyExchangeMethod.None ? "NONE" : ((KeyExchangeMethod)transform.Id).Name()),
        _ => $"({(int)transform.Type}:{transform.Id})",
    };
}
